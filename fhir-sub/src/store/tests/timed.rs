//! A store under test: with a clock that stands still until it is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use crate::fhir::Instant;
use crate::store::memory::Clock;
use crate::store::{Begun, Claim, DeadLetter, Entry, Key, Keys, Store};

pub(in crate::store) const LEASE: Duration = Duration::from_secs(30);
pub(in crate::store) const RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);
pub(in crate::store) const SECOND: Duration = Duration::from_secs(1);

/// A store whose clock stands still until it is told.
pub(in crate::store) struct Timed {
    pub(in crate::store) store: Arc<dyn Store>,
    clock: TestClock,
}

/// Seconds since 1970.
#[derive(Clone)]
pub(in crate::store) struct TestClock(Arc<AtomicU64>);

impl TestClock {
    /// It begins now: DynamoDB deletes what has expired by its own clock.
    pub(in crate::store) fn new() -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        Self(Arc::new(AtomicU64::new(now.as_secs() + 1)))
    }

    pub(in crate::store) fn clock(&self) -> Clock {
        let told = Arc::clone(&self.0);
        Arc::new(move || SystemTime::UNIX_EPOCH + Duration::from_secs(told.load(Ordering::Relaxed)))
    }
}

impl Timed {
    pub(in crate::store) fn new(store: impl Store + 'static, clock: TestClock) -> Self {
        Self { store: Arc::new(store), clock }
    }

    pub(in crate::store) fn pass(&self, time: Duration) {
        self.clock.0.fetch_add(time.as_secs(), Ordering::Relaxed);
    }

    pub(in crate::store) async fn begin(&self, entry: &Entry) -> Begun {
        self.store.begin(entry, LEASE).await.unwrap()
    }

    pub(in crate::store) async fn claim(&self, entry: &Entry) -> Claim {
        match self.begin(entry).await {
            Begun::Fresh(claim) => claim,
            other => panic!("{other:?}"),
        }
    }

    pub(in crate::store) async fn complete(&self, claim: &Claim) {
        self.store.complete(claim).await.unwrap();
    }

    pub(in crate::store) async fn release(&self, claim: &Claim) {
        self.store.release(claim).await.unwrap();
    }
}

pub(in crate::store) fn key(name: &str) -> Key {
    Keys::new(None).key(&[name])
}

pub(in crate::store) fn once() -> Entry {
    Entry::Once(key("Patient/1 of version 1"))
}

pub(in crate::store) fn latest(version: &str, updated: Option<&str>) -> Entry {
    let updated = updated.map(|updated| Instant::parse(updated).unwrap());
    Entry::Latest { key: key("Patient/1"), version: key(version), updated }
}

pub(in crate::store) fn letter(name: &str, since: &str) -> DeadLetter {
    DeadLetter {
        key: key(name),
        endpoint: "patients".to_owned(),
        interaction: "update".to_owned(),
        reference: Some("Patient/1".to_owned()),
        version_id: Some("1".to_owned()),
        subscription: None,
        number: None,
        tries: 30,
        outcome: "failed".to_owned(),
        error_kind: Some("std::io::Error".to_owned()),
        since: since.to_owned(),
    }
}
