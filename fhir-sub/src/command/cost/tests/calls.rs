//! The bill counts the calls of the store that the engine makes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use serde_json::json;

use crate::app::App;
use crate::command::cost::bill::{FAILED, HANDLED, LATEST, REPEATED, SWEEP};
use crate::declaration::{Declaration, Order};
use crate::fixtures::declaration;
use crate::promises::kit::{
    Do, Got, REQUIRED, Run, app, bundle, encounter, front, outcome, post, reply, script, swept,
};
use crate::sandbox::Behaviour;
use crate::store::{MemoryStore, Put, Record, RecordId, RecordKind, StoreBackend, StoreFuture};

/// A store of all instances that counts its calls.
#[derive(Debug)]
struct Counted {
    inner: MemoryStore,
    writes: AtomicU32,
    reads: AtomicU32,
}

impl StoreBackend for Counted {
    fn is_durable(&self) -> bool {
        true
    }

    fn get<'a>(&'a self, id: &'a RecordId) -> StoreFuture<'a, Option<Record>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.inner.get(id)
    }

    fn put<'a>(
        &'a self,
        id: &'a RecordId,
        expected: Option<u64>,
        record: Option<&'a Record>,
    ) -> StoreFuture<'a, Put> {
        // A refused write is paid for, too.
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.inner.put(id, expected, record)
    }

    fn list(&self, kind: RecordKind) -> StoreFuture<'_, Vec<Record>> {
        self.inner.list(kind)
    }
}

impl Counted {
    /// The writes and reads since the last call.
    fn take(&self) -> (f64, f64) {
        let take = |count: &AtomicU32| f64::from(count.swap(0, Ordering::SeqCst));
        (take(&self.writes), take(&self.reads))
    }
}

/// An app whose handler fails where the id ends with `fails`, until it is told not to.
fn counted(order: Order, is_failing: &Arc<std::sync::atomic::AtomicBool>) -> (App, Arc<Counted>) {
    let inner = MemoryStore::shared(Arc::new(SystemTime::now));
    let store = Arc::new(Counted { inner, writes: AtomicU32::new(0), reads: AtomicU32::new(0) });
    let is_failing = is_failing.clone();
    let script = script(move |_| if is_failing.load(Ordering::SeqCst) { Do::Fail } else { Do::Ok });
    let front = front(|asked| match asked {
        _ if asked.starts_with("GET Subscription") => reply(
            200,
            bundle([json!({ "resourceType": "Subscription", "id": "s", "status": "active",
                "meta": { "lastUpdated": crate::promises::kit::at(0) }, "criteria": "Encounter?",
                "channel": { "type": "rest-hook", "endpoint": "https://app.example.org/e",
                    "payload": "application/fhir+json" } })]),
        ),
        _ if asked.starts_with("GET Encounter") => reply(200, bundle([])),
        _ => reply(404, outcome()),
    });
    let declaration = Declaration { order, ..declaration::<Got<REQUIRED>, Run>("Encounter?", "e") };
    let backend: Arc<dyn StoreBackend> = store.clone();
    (app(Behaviour::Generic, declaration, Some(backend), front, &script, &[]), store)
}

#[tokio::test]
async fn an_event_takes_the_calls_that_the_bill_counts() {
    let is_failing = Arc::default();
    let (app, store) = counted(Order::Any, &is_failing);
    assert_eq!(post(&app, encounter("first", Some("1"), 0)).await.0, 204);
    store.take();
    assert_eq!(post(&app, encounter("1", Some("1"), 0)).await.0, 204);
    assert_eq!(store.take(), (HANDLED, 0.0));
    assert_eq!(post(&app, encounter("1", Some("1"), 0)).await.1, ["handled before"]);
    assert_eq!(store.take(), (REPEATED, 0.0));
    is_failing.store(true, Ordering::SeqCst);
    assert_eq!(post(&app, encounter("2", Some("1"), 0)).await.0, 500);
    is_failing.store(false, Ordering::SeqCst);
    assert_eq!(post(&app, encounter("2", Some("1"), 0)).await.0, 204);
    assert_eq!(store.take(), (HANDLED + FAILED, 0.0));
}

#[tokio::test]
async fn an_order_takes_the_calls_that_the_bill_counts() {
    let (app, store) = counted(Order::Latest, &Arc::default());
    assert_eq!(post(&app, encounter("first", Some("1"), 0)).await.0, 204);
    store.take();
    for version in ["1", "2"] {
        assert_eq!(post(&app, encounter("1", Some(version), 0)).await.0, 204);
        assert_eq!(store.take(), (HANDLED + LATEST.0, LATEST.1), "version {version}");
    }
}

#[tokio::test]
async fn a_sweep_that_finds_nothing_takes_the_calls_that_the_bill_counts() {
    let (app, store) = counted(Order::Any, &Arc::default());
    swept(&app, None, 60).await;
    store.take();
    let row = swept(&app, None, 60).await;
    assert_eq!(row["failed"], 0, "{row}");
    assert!(row["watermark"].is_string(), "{row}");
    assert_eq!(store.take(), SWEEP);
}
