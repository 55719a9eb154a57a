//! [`MemoryStore`]: the store of one process.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{Begun, Claim, DeadLetter, Entry, Key, Store, Stored, SweepState, Sweeping, token};
use crate::fhir::Instant;

/// The most events that are remembered. Of more, those are forgotten that were done first, and may be handled once more
/// if the server sends them again; what is under way is never forgotten.
const MAXIMUM: usize = 10_000;

/// The most dead letters that are kept; of more, the oldest are dropped.
const MAXIMUM_DEAD: usize = 1_000;

/// What time it is; tests have a clock of their own.
pub(crate) type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// The store of one process: it begins empty and promises nothing across instances.
pub(crate) struct MemoryStore {
    records: Mutex<Records>,
    clock: Clock,
    retention: Duration,
    /// In tests it stands for one that several instances share.
    is_durable: bool,
}

#[derive(Default)]
struct Records {
    events: HashMap<Key, Record>,
    /// Every event, by when it expires.
    expiring: BTreeSet<(SystemTime, Key)>,
    /// Every dead letter, with when it expires.
    dead: HashMap<Key, (SystemTime, DeadLetter)>,
    sweeps: HashMap<Key, Sweep>,
}

struct Record {
    /// Until when it is under way, and for whom.
    lease: Option<(SystemTime, u64)>,
    is_done: bool,
    tries: u32,
    /// The version that was begun last, whose tries are counted.
    version: Key,
    /// The newest version that is done, where only newer ones are wanted.
    latest: Option<(Instant, Key)>,
    expires: SystemTime,
}

#[derive(Default)]
struct Sweep {
    state: SweepState,
    lease: Option<(SystemTime, u64)>,
}

impl MemoryStore {
    /// One that remembers what was done for so long.
    pub(crate) fn new(retention: Duration) -> Self {
        Self { records: Mutex::default(), clock: Arc::new(SystemTime::now), retention, is_durable: false }
    }

    /// One that stands for a store which several instances share.
    #[cfg(test)]
    pub(crate) fn shared(retention: Duration, clock: Clock) -> Self {
        Self { clock, is_durable: true, ..Self::new(retention) }
    }

    fn lock(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> SystemTime {
        (self.clock)()
    }

    fn begin_now(&self, entry: &Entry, lease: Duration) -> Begun {
        let (now, token) = (self.now(), token());
        let until = now + lease;
        let mut records = self.lock();
        records.forget(now);
        let record = records.events.remove(entry.key());
        let begun = match &record {
            None => None,
            Some(record) => record.refuses(entry, now),
        };
        let (mut record, begun) = match (record, begun) {
            (Some(record), Some(begun)) => (record, begun),
            (record, _) => {
                let version = *entry.version();
                let tried = record.as_ref().filter(|record| record.version == version);
                let tries = tried.map_or(0, |record| record.tries).saturating_add(1);
                let (latest, expires) =
                    record.map_or((None, until), |record| (record.latest, record.expires));
                records.expiring.remove(&(expires, *entry.key()));
                let lease = Some((until, token));
                let record = Record { lease, is_done: false, tries, version, latest, expires };
                (record, Begun::Fresh(Claim { entry: entry.clone(), token, tries }))
            }
        };
        if let Begun::Fresh(_) = begun {
            record.expires = until + self.retention;
            records.expiring.insert((record.expires, *entry.key()));
        }
        records.events.insert(*entry.key(), record);
        begun
    }

    /// Ends a lease, if it is still that of the claim.
    fn end_now(&self, claim: &Claim, is_done: bool) {
        let now = self.now();
        let expires = now + self.retention;
        let mut records = self.lock();
        let key = *claim.entry.key();
        let Some(record) = records.events.get_mut(&key) else { return };
        let is_own = record.lease.is_some_and(|(_, token)| token == claim.token);
        if !is_own || record.expires <= now {
            return;
        }
        let expired = std::mem::replace(&mut record.expires, expires);
        record.lease = None;
        record.is_done = is_done;
        if is_done {
            // What is done was not tried since.
            record.tries = 0;
        }
        if let Entry::Latest { version, updated: Some(updated), .. } = claim.entry
            && is_done
        {
            record.latest = Some((updated, version));
        }
        records.expiring.remove(&(expired, key));
        if is_done && matches!(claim.entry, Entry::Passing(_)) {
            records.events.remove(&key);
        } else {
            records.expiring.insert((expires, key));
        }
    }
}

impl Record {
    /// Why it cannot be begun; `None` where it can.
    fn refuses(&self, entry: &Entry, now: SystemTime) -> Option<Begun> {
        if self.lease.is_some_and(|(until, _)| until > now) {
            return Some(Begun::UnderWay);
        }
        match (entry, &self.latest) {
            (Entry::Latest { version, .. }, Some((_, done))) if done == version => Some(Begun::Done),
            (Entry::Latest { updated: Some(updated), .. }, Some((latest, _))) if updated < latest => {
                Some(Begun::Superseded)
            }
            (Entry::Latest { .. }, _) => None,
            (Entry::Once(_) | Entry::Passing(_), _) => self.is_done.then_some(Begun::Done),
        }
    }
}

impl Records {
    /// Drops what has expired, and of too much what expires first.
    fn forget(&mut self, now: SystemTime) {
        while let Some(first) = self.expiring.first().copied() {
            let (expires, key) = first;
            let is_under_way = || {
                let lease = self.events.get(&key).and_then(|record| record.lease);
                lease.is_some_and(|(until, _)| until > now)
            };
            if expires > now && (self.expiring.len() < MAXIMUM || is_under_way()) {
                return;
            }
            self.expiring.remove(&first);
            self.events.remove(&key);
        }
    }
}

impl Store for MemoryStore {
    fn is_durable(&self) -> bool {
        self.is_durable
    }

    fn begin<'a>(&'a self, entry: &'a Entry, lease: Duration) -> BoxFuture<'a, Stored<Begun>> {
        async move { Ok(self.begin_now(entry, lease)) }.boxed()
    }

    fn complete<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Stored<()>> {
        async { self.end_now(claim, true) }.map(Ok).boxed()
    }

    fn release<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Stored<()>> {
        async { self.end_now(claim, false) }.map(Ok).boxed()
    }

    fn reopen<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Stored<()>> {
        async move {
            let (now, mut records) = (self.now(), self.lock());
            let record = records.events.get(key);
            let is_under_way = record.and_then(|record| record.lease).is_some_and(|(until, _)| until > now);
            if !is_under_way && let Some(record) = records.events.remove(key) {
                records.expiring.remove(&(record.expires, *key));
            }
            Ok(())
        }
        .boxed()
    }

    fn add_dead_letter<'a>(&'a self, letter: &'a DeadLetter) -> BoxFuture<'a, Stored<()>> {
        async move {
            let mut records = self.lock();
            let expires = self.now() + DeadLetter::kept(self.retention);
            records.dead.insert(letter.key, (expires, letter.clone()));
            if records.dead.len() > MAXIMUM_DEAD {
                let letters = records.dead.values().map(|(_, letter)| letter);
                let oldest = letters.min_by(|one, other| one.age().cmp(&other.age()));
                if let Some(key) = oldest.map(|letter| letter.key) {
                    records.dead.remove(&key);
                }
            }
            Ok(())
        }
        .boxed()
    }

    fn dead_letters(&self) -> BoxFuture<'_, Stored<Vec<DeadLetter>>> {
        async move {
            let now = self.now();
            let mut records = self.lock();
            records.dead.retain(|_, (expires, _)| *expires > now);
            let mut letters: Vec<_> = records.dead.values().map(|(_, letter)| letter.clone()).collect();
            letters.sort_unstable_by(|one, other| one.age().cmp(&other.age()));
            Ok(letters)
        }
        .boxed()
    }

    fn remove_dead_letter<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Stored<bool>> {
        async move {
            let removed = self.lock().dead.remove(key);
            Ok(removed.is_some_and(|(expires, _)| expires > self.now()))
        }
        .boxed()
    }

    fn begin_sweep<'a>(&'a self, sweep: &'a Key, lease: Duration) -> BoxFuture<'a, Stored<Option<Sweeping>>> {
        async move {
            let (now, token) = (self.now(), token());
            let mut records = self.lock();
            let kept = records.sweeps.entry(*sweep).or_default();
            let is_free = kept.lease.is_none_or(|(until, _)| until <= now);
            let sweeping = is_free.then(|| {
                kept.lease = Some((now + lease, token));
                Sweeping { sweep: *sweep, token, state: kept.state.clone() }
            });
            Ok(sweeping)
        }
        .boxed()
    }

    fn save_sweep<'a>(
        &'a self,
        sweeping: &'a Sweeping,
        lease: Option<Duration>,
    ) -> BoxFuture<'a, Stored<bool>> {
        async move {
            let now = self.now();
            let mut records = self.lock();
            let kept = records.sweeps.entry(sweeping.sweep).or_default();
            let is_own = kept.lease.is_some_and(|(_, token)| token == sweeping.token);
            if is_own {
                kept.state = sweeping.state.clone();
                kept.lease = lease.map(|lease| (now + lease, sweeping.token));
            }
            Ok(is_own)
        }
        .boxed()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MemoryStore").field("is_durable", &self.is_durable).finish_non_exhaustive()
    }
}
