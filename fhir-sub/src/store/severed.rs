//! [`SeveredStore`]: a store for tests that can be cut off.

use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{Begun, Claim, DeadLetter, Entry, Key, MemoryStore, Store, Stored, Sweeping, Unavailable};

/// A store that can be cut off.
#[derive(Debug)]
pub(crate) struct SeveredStore {
    store: Arc<MemoryStore>,
    way: Mutex<Way>,
}

/// How it is reached.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Open,
    Refused,
    /// What was asked is done, and no answer comes back.
    Unanswered,
}

impl SeveredStore {
    pub(crate) fn new(store: Arc<MemoryStore>, way: Way) -> Self {
        Self { store, way: Mutex::new(way) }
    }

    pub(crate) fn set(&self, way: Way) {
        *self.way.lock().unwrap() = way;
    }

    fn call<'a, T: Send + 'a>(&'a self, call: BoxFuture<'a, Stored<T>>) -> BoxFuture<'a, Stored<T>> {
        let cut_off = || Unavailable { reason: "it is cut off".into() };
        match *self.way.lock().unwrap() {
            Way::Open => call,
            Way::Refused => ready(Err(cut_off())).boxed(),
            Way::Unanswered => call.map(move |_| Err(cut_off())).boxed(),
        }
    }
}

impl Store for SeveredStore {
    fn is_durable(&self) -> bool {
        true
    }

    fn begin<'a>(&'a self, entry: &'a Entry, lease: Duration) -> BoxFuture<'a, Stored<Begun>> {
        self.call(self.store.begin(entry, lease))
    }

    fn complete<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Stored<()>> {
        self.call(self.store.complete(claim))
    }

    fn release<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Stored<()>> {
        self.call(self.store.release(claim))
    }

    fn reopen<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Stored<()>> {
        self.call(self.store.reopen(key))
    }

    fn add_dead_letter<'a>(&'a self, letter: &'a DeadLetter) -> BoxFuture<'a, Stored<()>> {
        self.call(self.store.add_dead_letter(letter))
    }

    fn dead_letters(&self) -> BoxFuture<'_, Stored<Vec<DeadLetter>>> {
        self.call(self.store.dead_letters())
    }

    fn remove_dead_letter<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Stored<bool>> {
        self.call(self.store.remove_dead_letter(key))
    }

    fn begin_sweep<'a>(&'a self, sweep: &'a Key, lease: Duration) -> BoxFuture<'a, Stored<Option<Sweeping>>> {
        self.call(self.store.begin_sweep(sweep, lease))
    }

    fn save_sweep<'a>(
        &'a self,
        sweeping: &'a Sweeping,
        lease: Option<Duration>,
    ) -> BoxFuture<'a, Stored<bool>> {
        self.call(self.store.save_sweep(sweeping, lease))
    }
}
