//! A store under test, with a clock that only the test moves.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use crate::fhir::Instant;
use crate::store::{
    Begun, Claim, DeadLetter, Entry, How, Key, Keys, OfResource, Put, Record, RecordId, RecordKind, Store,
    StoreBackend, StoreFuture, Told,
};

pub(crate) const LEASE: Duration = Duration::from_secs(30);
pub(crate) const RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// How an event is begun unless the test says otherwise.
pub(crate) const HOW: How = How { is_alone: true, ..How::told(u32::MAX) };

/// A store with a clock that only the test moves.
pub(crate) struct Timed {
    pub(crate) store: Store,
    pub(crate) backend: Arc<dyn StoreBackend>,
    clock: TestClock,
}

/// Seconds since 1970.
#[derive(Clone, Debug)]
struct TestClock(Arc<AtomicU64>);

impl TestClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

impl Timed {
    pub(crate) fn new(backend: impl StoreBackend) -> Self {
        // The clock starts with the real time: a database may delete expired records by its own clock.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let clock = TestClock(Arc::new(AtomicU64::new(now.as_secs() + 1)));
        let backend: Arc<dyn StoreBackend> = Arc::new(Clocked { backend, clock: clock.clone() });
        Self { store: Store::new(Arc::clone(&backend), RETENTION), backend, clock }
    }

    /// Another instance, over the same backend.
    #[cfg(test)]
    pub(crate) fn instance(&self) -> Store {
        Store::new(Arc::clone(&self.backend), RETENTION)
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.clock.0.fetch_add(time.as_secs(), Ordering::Relaxed);
    }

    pub(crate) async fn begin(&self, entry: &Entry) -> Begun {
        self.begin_as(entry, HOW).await
    }

    pub(crate) async fn begin_as(&self, entry: &Entry, how: How) -> Begun {
        self.store.begin(entry, LEASE, how).await.unwrap()
    }

    pub(crate) async fn claim(&self, entry: &Entry) -> Claim {
        match self.begin(entry).await {
            Begun::Fresh(claim) => *claim,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn handle(&self, entry: &Entry) {
        let claim = self.claim(entry).await;
        self.complete(&claim).await;
    }

    pub(crate) async fn complete(&self, claim: &Claim) {
        self.store.complete(claim).await.unwrap();
    }

    pub(crate) async fn release(&self, claim: &Claim) {
        self.store.release(claim).await.unwrap();
    }
}

/// A backend with the clock of a test.
#[derive(Debug)]
struct Clocked<B> {
    backend: B,
    clock: TestClock,
}

impl<B: StoreBackend> StoreBackend for Clocked<B> {
    fn is_durable(&self) -> bool {
        self.backend.is_durable()
    }

    fn now(&self) -> StoreFuture<'_, SystemTime> {
        Box::pin(ready(Ok(self.clock.now())))
    }

    fn get<'a>(&'a self, id: &'a RecordId) -> StoreFuture<'a, Option<Record>> {
        self.backend.get(id)
    }

    fn put<'a>(
        &'a self,
        id: &'a RecordId,
        expected: Option<u64>,
        record: Option<&'a Record>,
    ) -> StoreFuture<'a, Put> {
        self.backend.put(id, expected, record)
    }

    fn list(&self, kind: RecordKind) -> StoreFuture<'_, Vec<Record>> {
        self.backend.list(kind)
    }

    fn has_old_keys(&self) -> bool {
        self.backend.has_old_keys()
    }
}

pub(crate) fn key(name: &str) -> Key {
    Keys::new(None, "https://fhir.example.org/r4").key(&[name])
}

pub(crate) fn once() -> Entry {
    Entry::once(key("Patient/1 of version 1"))
}

/// A version of a resource, if only the latest one is wanted.
pub(crate) fn latest(version: &str, updated: Option<&str>) -> Entry {
    let of = of_resource(Told::Version, updated);
    Entry { resource: Some(OfResource { is_ordered: true, ..of }), ..Entry::once(key(version)) }
}

pub(crate) fn of_resource(told: Told, updated: Option<&str>) -> OfResource {
    let updated = updated.map(instant);
    OfResource { key: key("Patient/1"), is_ordered: false, updated, is_deletion: false, told }
}

pub(crate) fn instant(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

pub(crate) fn letter(name: &str, since: &str) -> DeadLetter {
    DeadLetter {
        updated: None,
        tenant: None,
        program: None,
        key: key(name),
        record: None,
        is_passing: false,
        endpoint: "patients".to_owned(),
        interaction: "update".to_owned(),
        reference: Some("Patient/1".to_owned()),
        version_id: Some("1".to_owned()),
        subscription: None,
        number: None,
        timestamp: None,
        tries: 30,
        outcome: "failed".to_owned(),
        error_kind: Some("std::io::Error".to_owned()),
        since: since.to_owned(),
    }
}
