//! The store of one process.

use super::suite::suite;
use super::timed::{RETENTION, SECOND, TestClock, Timed, key};
use super::{model, race};
use crate::store::{Begun, Entry, MemoryStore};
use std::sync::Arc;
use std::time::SystemTime;

async fn store() -> Timed {
    let clock = TestClock::new();
    Timed::new(MemoryStore::shared(RETENTION, clock.clock()), clock)
}

suite!(store());

#[tokio::test]
async fn it_remembers_no_more_than_it_may() {
    let store = store().await;
    let under_way = Entry::Once(key("under way"));
    let first = Entry::Once(key("first"));
    let claim = store.claim(&first).await;
    store.complete(&claim).await;
    store.pass(SECOND);
    let held = store.claim(&under_way).await;
    for number in 0..20_000 {
        let entry = Entry::Once(key(&format!("event {number}")));
        let claim = store.claim(&entry).await;
        store.complete(&claim).await;
        if number == 10_000 {
            store.pass(SECOND);
        }
    }
    assert_eq!(store.begin(&under_way).await, Begun::UnderWay);
    store.complete(&held).await;
    assert_eq!(store.begin(&under_way).await, Begun::Done);
    assert_eq!(store.claim(&first).await.tries, 1, "it was forgotten");
    assert_eq!(store.begin(&Entry::Once(key("event 19999"))).await, Begun::Done);
}

#[tokio::test]
async fn it_does_as_the_model_does() {
    for _ in 0..300 {
        model::check(&store().await, 300).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_who_begin_at_once_one_gets_it() {
    race::all_at_once(store().await.store, 50).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_actors_that_race_one_is_at_an_event_at_a_time() {
    let store = MemoryStore::shared(RETENTION, Arc::new(SystemTime::now));
    race::run(Arc::new(store)).await;
}
