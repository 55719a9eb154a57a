//! How many calls an event takes, and what happens if an answer is lost.

use super::support::wired;
use crate::store::suite::timed::{HOW, LEASE, key, latest, letter, once};
use crate::store::{Begun, Claim, Entry, Store};

async fn claim(store: &Store, entry: &Entry) -> Claim {
    match store.begin(entry, LEASE, HOW).await.unwrap() {
        Begun::Fresh(claim) => *claim,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
#[ignore = "tests/real/dynamodb/test runs it"]
async fn a_fresh_event_takes_two_calls_and_a_repeated_one_takes_one() {
    let (store, wire) = wired().await;
    for entry in [once(), Entry::passing(key("deleted"))] {
        let first = claim(&store, &entry).await;
        assert_eq!((first.tries, wire.count()), (1, 1), "{entry:?}");
        assert_eq!(store.begin(&entry, LEASE, HOW).await.unwrap(), Begun::UnderWay);
        assert_eq!(wire.count(), 1, "{entry:?}");
        store.release(&first).await.unwrap();
        assert_eq!(wire.count(), 1, "{entry:?}");
        // An event that has failed before has a record, and the first call returns it.
        let second = claim(&store, &entry).await;
        assert_eq!((second.tries, wire.count()), (2, 2), "{entry:?}");
        store.complete(&second).await.unwrap();
        assert_eq!(wire.count(), 1, "{entry:?}");
    }
    assert_eq!(store.begin(&once(), LEASE, HOW).await.unwrap(), Begun::Done);
    assert_eq!(wire.count(), 1);
}

#[tokio::test]
#[ignore = "tests/real/dynamodb/test runs it"]
async fn an_order_takes_two_calls_more_and_one_for_a_resource_that_is_known() {
    let (store, wire) = wired().await;
    let first = latest("1", Some("2026-01-01T00:00:01Z"));
    let claimed = claim(&store, &first).await;
    assert_eq!(wire.count(), 3, "the event, a look at the resource, and its lease");
    store.complete(&claimed).await.unwrap();
    assert_eq!(wire.count(), 2);
    assert_eq!(store.begin(&first, LEASE, HOW).await.unwrap(), Begun::Done);
    assert_eq!(wire.count(), 2, "the event, and beside it a look at the resource");
    let second = claim(&store, &latest("2", Some("2026-01-01T00:00:02Z"))).await;
    assert_eq!(wire.count(), 3);
    store.complete(&second).await.unwrap();
    assert_eq!(wire.count(), 2);
}

/// Each process reads once since when keys have their present form.
#[tokio::test]
#[ignore = "tests/real/dynamodb/test runs it"]
async fn only_once_a_process_it_is_asked_whether_old_keys_count() {
    let (store, wire) = wired().await;
    assert!(store.reads_old_keys().await.unwrap());
    assert_eq!(wire.count(), 2, "the first of all writes it down");
    assert!(store.reads_old_keys().await.unwrap());
    assert_eq!(wire.count(), 0);
}

#[tokio::test]
#[ignore = "tests/real/dynamodb/test runs it"]
async fn what_was_done_by_a_call_whose_answer_was_lost_is_known_by_its_repetition() {
    let (store, wire) = wired().await;
    for entry in [once(), latest("1", Some("2026-01-01T00:00:01Z")), Entry::passing(key("deleted"))] {
        for tries in 1..=2 {
            wire.lose(1);
            let claim = claim(&store, &entry).await;
            assert_eq!(claim.tries, tries, "{entry:?}");
            wire.lose(1);
            store.release(&claim).await.unwrap();
        }
        let claim = claim(&store, &entry).await;
        assert_eq!(claim.tries, 3);
        wire.lose(1);
        store.complete(&claim).await.unwrap();
    }
    assert_eq!(store.begin(&once(), LEASE, HOW).await.unwrap(), Begun::Done);

    wire.lose(1);
    let mut sweeping = store.begin_sweep(&key("sweep"), &[], LEASE).await.unwrap().unwrap();
    for lease in [Some(LEASE), None] {
        sweeping.state.number = Some(7);
        wire.lose(1);
        assert!(store.save_sweep(&sweeping, lease).await.unwrap(), "{lease:?}");
    }
    wire.lose(1);
    let next = store.begin_sweep(&key("sweep"), &[], LEASE).await.unwrap().unwrap();
    assert_eq!(next.state, sweeping.state);

    wire.lose(1);
    store.add_dead_letter(&letter("dead", "2026-01-01T00:00:00Z")).await.unwrap();
    assert_eq!(store.dead_letters().await.unwrap().len(), 1);
}

#[tokio::test]
#[ignore = "tests/real/dynamodb/test runs it"]
async fn an_event_whose_beginning_was_never_answered_is_free_when_its_lease_ends() {
    let (store, wire) = wired().await;
    wire.lose(3);
    // Long enough that a busy machine can ask again within it.
    let lease = std::time::Duration::from_secs(3);
    assert!(store.begin(&once(), lease, HOW).await.is_err());
    while store.begin(&once(), lease, HOW).await.unwrap() == Begun::UnderWay {
        tokio::time::sleep(lease / 30).await;
    }
    assert_eq!(store.begin(&once(), lease, HOW).await.unwrap(), Begun::UnderWay);
}
