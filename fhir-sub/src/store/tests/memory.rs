//! The store of one process.

use std::sync::Arc;
use std::time::SystemTime;

use super::race;
use crate::store::suite::timed::{RETENTION, SECOND, Timed, key};
use crate::store::suite::{check_store, model};
use crate::store::{Begun, Entry, MemoryStore, OfResource, Store, Told};

fn shared() -> MemoryStore {
    MemoryStore::shared(Arc::new(SystemTime::now))
}

#[tokio::test]
async fn it_does_what_every_store_does() {
    check_store(|| async { shared() }).await;
    check_store(|| async { MemoryStore::new(1000) }).await;
}

#[tokio::test]
async fn it_remembers_no_more_than_it_may() {
    let store = Timed::new(MemoryStore::new(100));
    let (under_way, first) = (Entry::once(key("under way")), Entry::once(key("first")));
    store.handle(&first).await;
    store.pass(SECOND);
    let held = store.claim(&under_way).await;
    for number in 0..200 {
        store.handle(&Entry::once(key(&format!("event {number}")))).await;
        if number == 100 {
            store.pass(SECOND);
        }
    }
    assert_eq!(store.begin(&under_way).await, Begun::UnderWay);
    store.complete(&held).await;
    assert_eq!(store.begin(&under_way).await, Begun::Done);
    assert_eq!(store.claim(&first).await.tries, 1, "it was forgotten");
    assert_eq!(store.begin(&Entry::once(key("event 199"))).await, Begun::Done);
}

/// Each event has a record of its resource, too.
#[tokio::test]
async fn it_remembers_as_many_events_in_order() {
    let store = Timed::new(MemoryStore::new(100));
    let event = |number: usize| {
        let resource = key(&format!("resource {number}"));
        let of = OfResource {
            key: resource,
            is_ordered: true,
            updated: None,
            is_deletion: false,
            told: Told::Version,
        };
        Entry { resource: Some(of), ..Entry::once(key(&format!("event {number}"))) }
    };
    for number in 0..100 {
        store.handle(&event(number)).await;
    }
    for number in 0..100 {
        assert_eq!(store.begin(&event(number)).await, Begun::Done, "{number}");
    }
}

#[tokio::test]
async fn it_does_as_the_model_does() {
    for _ in 0..300 {
        model::check(&Timed::new(shared()), 300).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_who_begin_at_once_one_gets_it() {
    race::all_at_once(Arc::new(Store::new(Arc::new(shared()), RETENTION)), 50).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_actors_that_race_one_is_at_an_event_at_a_time() {
    race::run(Arc::new(Store::new(Arc::new(shared()), RETENTION))).await;
}
