//! [`SeveredStore`]: a backend for tests that can be disconnected.

use std::future::ready;
use std::sync::Mutex;
use std::time::SystemTime;

use futures_util::FutureExt;

use super::{MemoryStore, Put, Record, RecordId, RecordKind, StoreBackend, StoreFuture, Unavailable};

/// A backend that can be disconnected.
#[derive(Debug)]
pub(crate) struct SeveredStore {
    store: MemoryStore,
    way: Mutex<Way>,
}

/// How a call is treated.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Open,
    Refused,
    /// The call is executed, and its answer is lost.
    Unanswered,
}

impl SeveredStore {
    pub(crate) fn new(store: MemoryStore, way: Way) -> Self {
        Self { store, way: Mutex::new(way) }
    }

    pub(crate) fn set(&self, way: Way) {
        *self.way.lock().unwrap() = way;
    }

    fn call<'a, T: Send + 'a>(&'a self, call: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        let cut_off = || Unavailable::new("it is cut off");
        match *self.way.lock().unwrap() {
            Way::Open => call,
            Way::Refused => ready(Err(cut_off())).boxed(),
            Way::Unanswered => call.map(move |_| Err(cut_off())).boxed(),
        }
    }
}

impl StoreBackend for SeveredStore {
    fn is_durable(&self) -> bool {
        true
    }

    fn now(&self) -> StoreFuture<'_, SystemTime> {
        self.store.now()
    }

    fn get<'a>(&'a self, id: &'a RecordId) -> StoreFuture<'a, Option<Record>> {
        self.call(self.store.get(id))
    }

    fn put<'a>(
        &'a self,
        id: &'a RecordId,
        expected: Option<u64>,
        record: Option<&'a Record>,
    ) -> StoreFuture<'a, Put> {
        self.call(self.store.put(id, expected, record))
    }

    fn list(&self, kind: RecordKind) -> StoreFuture<'_, Vec<Record>> {
        self.call(self.store.list(kind))
    }
}
