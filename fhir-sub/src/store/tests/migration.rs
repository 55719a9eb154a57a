//! Records that were written under old keys.

use std::sync::Arc;
use std::time::SystemTime;

use crate::fixtures::OldStore;
use crate::store::record::{Body, EventRecord, Record, SweepRecord};
use crate::store::suite::timed::{LEASE, RETENTION, SECOND, Timed, instant, key};
use crate::store::{Begun, MemoryStore, OldKeys, RecordId, RecordKind, StoreBackend, SweepState};

fn old() -> Timed {
    Timed::new(OldStore(MemoryStore::shared(Arc::new(SystemTime::now))))
}

async fn write(store: &Timed, kind: RecordKind, name: &str, body: Body) {
    let record = Record::new(Some(4_000_000_000_000), body);
    store.backend.put(&RecordId { kind, key: key(name) }, None, Some(&record)).await.unwrap();
}

#[tokio::test]
async fn what_was_handled_under_an_old_key_is_done_until_its_record_expires() {
    let store = old();
    let done = EventRecord { is_done: true, ..EventRecord::default() };
    write(&store, RecordKind::Event, "done", Body::Event(done)).await;
    let failed = EventRecord { tries: 2, ..EventRecord::default() };
    write(&store, RecordKind::Event, "failed", Body::Event(failed)).await;
    let newest = Box::new((instant("2026-01-01T00:00:02Z"), key("version 2")));
    let resource = EventRecord { is_done: true, latest: Some(newest), ..EventRecord::default() };
    write(&store, RecordKind::Event, "resource", Body::Event(resource)).await;

    assert!(store.store.reads_old_keys().await.unwrap());
    let of = |name: &str, updated: Option<&str>| OldKeys {
        names: vec![key("another name"), key(name)],
        resource: updated.map(|updated| (key("resource"), Some(instant(updated)))),
    };
    let begun = async |old: OldKeys| store.store.under_old_keys(&old).await.unwrap();
    assert_eq!(begun(of("done", None)).await, Some(Begun::Done));
    assert_eq!(begun(of("failed", None)).await, None);
    assert_eq!(begun(of("never", None)).await, None);
    assert_eq!(begun(of("version 2", Some("2026-01-01T00:00:02Z"))).await, Some(Begun::Done));
    assert_eq!(begun(of("version 1", Some("2026-01-01T00:00:01Z"))).await, Some(Begun::Superseded));
    assert_eq!(begun(of("version 3", Some("2026-01-01T00:00:03Z"))).await, None);

    store.pass(RETENTION - SECOND);
    assert!(store.instance().reads_old_keys().await.unwrap(), "a new instance knows since when");
    store.pass(SECOND);
    for store in [&store.store, &store.instance()] {
        assert!(!store.reads_old_keys().await.unwrap());
    }
}

#[tokio::test]
async fn a_sweep_goes_on_from_its_old_record_once() {
    let store = old();
    let state = SweepState { number: Some(7), ..SweepState::default() };
    let before = Body::Sweep(Box::new(SweepRecord { lease: None, state }));
    write(&store, RecordKind::Sweep, "old", before).await;
    let (new, old) = (key("new"), key("old"));
    let mut sweeping = store.store.begin_sweep(&new, &[old], LEASE).await.unwrap().unwrap();
    assert_eq!(sweeping.state.number, Some(7));
    sweeping.state.number = Some(8);
    assert!(store.store.save_sweep(&sweeping, None).await.unwrap());
    let next = store.store.begin_sweep(&new, &[old], LEASE).await.unwrap().unwrap();
    assert_eq!(next.state.number, Some(8));
}

#[tokio::test]
async fn a_store_that_never_had_old_keys_is_not_asked() {
    let store = Timed::new(MemoryStore::shared(Arc::new(SystemTime::now)));
    assert!(!store.store.reads_old_keys().await.unwrap());
}
