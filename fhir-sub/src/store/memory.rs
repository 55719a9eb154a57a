//! [`MemoryStore`]: the store of one process.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::future::ready;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tracing::warn;

use super::backend::{Put, RecordId, RecordKind, StoreBackend, StoreFuture};
use super::record::{Body, Millis, Record, millis};

/// The most dead letters that are kept. Beyond that, those that expire first are dropped.
const MAXIMUM_DEAD: usize = 1_000;

/// After so many forgotten records, the log reports it again.
const TOLD_EACH: u64 = 10_000;

/// The clock; tests have their own.
pub(crate) type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// The store of one process: it starts empty, and other instances do not see it.
pub(crate) struct MemoryStore {
    records: Mutex<Records>,
    clock: Clock,
    /// The most events that are remembered.
    maximum: usize,
    /// How many records were forgotten before they expired.
    forgotten: AtomicU64,
    /// In tests, it may stand for a store that several instances share.
    is_durable: bool,
}

#[derive(Default)]
struct Records {
    by_id: HashMap<RecordId, Record, Seed>,
    /// When dead letters, the records of resources, and the other records can be forgotten.
    dead: BTreeSet<(Millis, RecordId)>,
    /// An event has at most one, so that they take no room of the events.
    resources: BTreeSet<(Millis, RecordId)>,
    expiring: BTreeSet<(Millis, RecordId)>,
}

/// The seed for hashing keys. Keys are hashes already; the seed hides which of them collide in the table.
struct Seed(u64);

impl Default for Seed {
    fn default() -> Self {
        Self(fastrand::u64(..))
    }
}

impl BuildHasher for Seed {
    type Hasher = KeyHasher;

    fn build_hasher(&self) -> KeyHasher {
        KeyHasher(self.0)
    }
}

struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write_u64(&mut self, number: u64) {
        // Both halves of the product: each bit of the number and of the seed affects the whole hash.
        let product = u128::from(self.0 ^ number) * 0x9e37_79b9_7f4a_7c15;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64((*byte).into()));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl MemoryStore {
    /// A store for so many events. Beyond that, it forgets the events that were done first, but never those
    /// under way.
    pub(crate) fn new(maximum: usize) -> Self {
        Self {
            records: Mutex::default(),
            clock: Arc::new(SystemTime::now),
            maximum,
            forgotten: AtomicU64::new(0),
            is_durable: false,
        }
    }

    /// A store that stands for one that several instances share.
    #[cfg(test)]
    pub(crate) fn shared(clock: Clock) -> Self {
        Self { clock, is_durable: true, ..Self::new(100_000) }
    }

    fn lock(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put_now(&self, id: &RecordId, expected: Option<u64>, record: Option<&Record>) -> Put {
        let mut records = self.lock();
        let Records { by_id, dead, resources, expiring } = &mut *records;
        let expiring = match id.kind {
            RecordKind::DeadLetter => dead,
            RecordKind::Resource => resources,
            _ => expiring,
        };
        match (by_id.entry(*id), expected) {
            (Entry::Occupied(mut there), Some(revision)) if there.get().revision() == revision => {
                if let Some(expires) = there.get().expires {
                    expiring.remove(&(expires, *id));
                }
                match record {
                    Some(record) => drop(there.insert(record.clone())),
                    None => drop(there.remove()),
                }
            }
            (Entry::Vacant(place), None) => drop(record.map(|record| place.insert(record.clone()))),
            (Entry::Occupied(there), _) => return Put::Refused(Some(there.get().clone())),
            (Entry::Vacant(_), Some(_)) => return Put::Refused(None),
        }
        if let Some(expires) = record.and_then(|record| record.expires) {
            expiring.insert((expires, *id));
        }
        // To replace a record takes no more room.
        if expected.is_none() {
            let forgotten = records.forget(millis((self.clock)()), self.maximum);
            drop(records);
            self.tell(forgotten);
        }
        Put::Done
    }

    /// Logs that events were forgotten, and may be handled again.
    fn tell(&self, forgotten: u64) {
        if forgotten == 0 {
            return;
        }
        let before = self.forgotten.fetch_add(forgotten, Ordering::Relaxed);
        if before == 0 || before / TOLD_EACH != (before + forgotten) / TOLD_EACH {
            warn!(
                maximum = self.maximum,
                forgotten = before + forgotten,
                "the store in memory is full, and forgets the oldest events: if a sweep finds them, or the \
                 server repeats them, they are handled again. Raise FHIR_SUBSCRIPTION_STORE_MAXIMUM, or \
                 use a durable store"
            );
        }
    }
}

impl Records {
    /// Drops expired records, and then those that expire first, until at most `maximum` events and as many resources are
    /// left. Returns how many had not expired.
    fn forget(&mut self, now: Millis, maximum: usize) -> u64 {
        let mut forgotten = 0;
        for list in [&mut self.expiring, &mut self.resources] {
            while let Some(first) = list.first().copied() {
                let (expires, id) = first;
                let is_expired = expires <= now;
                if !is_expired && (list.len() <= maximum || is_under_way(&self.by_id, &id, now)) {
                    break;
                }
                forgotten += u64::from(!is_expired);
                list.remove(&first);
                self.by_id.remove(&id);
            }
        }
        while let Some((expires, id)) = self.dead.first().copied() {
            if expires > now && self.dead.len() <= MAXIMUM_DEAD {
                break;
            }
            self.dead.pop_first();
            self.by_id.remove(&id);
        }
        forgotten
    }
}

fn is_under_way(by_id: &HashMap<RecordId, Record, Seed>, id: &RecordId, now: Millis) -> bool {
    let lease = match by_id.get(id).map(|record| &record.body) {
        Some(Body::Event(event)) => event.lease,
        Some(Body::Resource(resource)) => resource.lease,
        _ => None,
    };
    lease.is_some_and(|until| until > now)
}

impl StoreBackend for MemoryStore {
    fn is_durable(&self) -> bool {
        self.is_durable
    }

    fn now(&self) -> StoreFuture<'_, SystemTime> {
        Box::pin(ready(Ok((self.clock)())))
    }

    fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::Relaxed)
    }

    fn now_at_once(&self) -> Option<SystemTime> {
        Some((self.clock)())
    }

    fn get<'a>(&'a self, id: &'a RecordId) -> StoreFuture<'a, Option<Record>> {
        Box::pin(async move { Ok(self.lock().by_id.get(id).cloned()) })
    }

    fn put<'a>(
        &'a self,
        id: &'a RecordId,
        expected: Option<u64>,
        record: Option<&'a Record>,
    ) -> StoreFuture<'a, Put> {
        Box::pin(async move { Ok(self.put_now(id, expected, record)) })
    }

    fn list(&self, kind: RecordKind) -> StoreFuture<'_, Vec<Record>> {
        Box::pin(async move {
            let records = self.lock();
            let listed = records.by_id.iter().filter(|(id, _)| id.kind == kind);
            Ok(listed.map(|(_, record)| record.clone()).collect())
        })
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MemoryStore").field("is_durable", &self.is_durable).finish_non_exhaustive()
    }
}
