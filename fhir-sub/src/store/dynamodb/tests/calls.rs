//! How many calls an event takes, and what comes of one whose answer is lost.

use super::super::DynamoDbStore;
use super::support::wired;
use crate::store::tests::timed::{LEASE, key, latest, letter, once};
use crate::store::{Begun, Claim, Entry, Store};

async fn claim(store: &DynamoDbStore, entry: &Entry) -> Claim {
    match store.begin(entry, LEASE).await.unwrap() {
        Begun::Fresh(claim) => claim,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
#[ignore = "tests/real/dynamodb/test runs it"]
async fn a_fresh_event_takes_two_calls_and_a_repeated_one_takes_one() {
    let (store, wire) = wired().await;
    for entry in [once(), Entry::Passing(key("deleted")), latest("1", Some("2026-01-01T00:00:01Z"))] {
        for tries in 1..=2 {
            // The second time it is what has failed before.
            let claim = claim(&store, &entry).await;
            assert_eq!((claim.tries, wire.count()), (tries, 1), "{entry:?}");
            assert_eq!(store.begin(&entry, LEASE).await.unwrap(), Begun::UnderWay);
            assert_eq!(wire.count(), 1, "{entry:?}");
            store.release(&claim).await.unwrap();
            assert_eq!(wire.count(), 1, "{entry:?}");
        }
        let claim = claim(&store, &entry).await;
        store.complete(&claim).await.unwrap();
        assert_eq!(wire.count(), 2, "{entry:?}");
    }
    for done in [once(), latest("1", Some("2026-01-01T00:00:01Z"))] {
        assert_eq!(store.begin(&done, LEASE).await.unwrap(), Begun::Done);
        assert_eq!(wire.count(), 1);
    }
    let older = latest("0", Some("2026-01-01T00:00:00Z"));
    assert_eq!(store.begin(&older, LEASE).await.unwrap(), Begun::Superseded);
    assert_eq!(wire.count(), 1);
    // A newer version finds a record that is there.
    let newer = claim(&store, &latest("2", Some("2026-01-01T00:00:02Z"))).await;
    store.release(&newer).await.unwrap();
    assert_eq!(wire.count(), 2);
    // One after a version that has failed is the one that takes another call.
    claim(&store, &latest("3", Some("2026-01-01T00:00:03Z"))).await;
    assert_eq!(wire.count(), 2);
}

#[tokio::test]
#[ignore = "tests/real/dynamodb/test runs it"]
async fn what_was_done_by_a_call_whose_answer_was_lost_is_known_by_its_repetition() {
    let (store, wire) = wired().await;
    for entry in [once(), latest("1", Some("2026-01-01T00:00:01Z")), Entry::Passing(key("deleted"))] {
        for tries in 1..=2 {
            wire.lose(1);
            let claim = claim(&store, &entry).await;
            assert_eq!((claim.tries, wire.count()), (tries, 2), "{entry:?}");
            wire.lose(1);
            store.release(&claim).await.unwrap();
            assert_eq!(wire.count(), 2, "{entry:?}");
        }
        let claim = claim(&store, &entry).await;
        assert_eq!(claim.tries, 3);
        wire.lose(1);
        store.complete(&claim).await.unwrap();
        assert_eq!(wire.count(), 3, "{entry:?}");
    }
    assert_eq!(store.begin(&once(), LEASE).await.unwrap(), Begun::Done);

    wire.lose(1);
    let mut sweeping = store.begin_sweep(&key("sweep"), LEASE).await.unwrap().unwrap();
    for lease in [Some(LEASE), None] {
        sweeping.state.number = Some(7);
        wire.lose(1);
        assert!(store.save_sweep(&sweeping, lease).await.unwrap(), "{lease:?}");
    }
    wire.lose(1);
    let next = store.begin_sweep(&key("sweep"), LEASE).await.unwrap().unwrap();
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
    // Long enough that a busy machine gets to ask within it.
    let lease = std::time::Duration::from_secs(3);
    assert!(store.begin(&once(), lease).await.is_err());
    while store.begin(&once(), lease).await.unwrap() == Begun::UnderWay {
        tokio::time::sleep(lease / 30).await;
    }
    assert_eq!(store.begin(&once(), lease).await.unwrap(), Begun::UnderWay);
}
