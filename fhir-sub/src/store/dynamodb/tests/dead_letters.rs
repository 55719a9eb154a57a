//! Hundreds of dead letters, and broken lists of them.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::try_join_all;

use super::super::DynamoDbStore;
use super::super::dead_letters::list_of;
use super::super::item::{ID, text};
use super::support::{dump, open, running, store_over};
use crate::store::suite::timed::letter;
use crate::store::{RecordId, RecordKind};

const SINCE: &str = "2026-01-01T00:00:00Z";

async fn listed(backend: &DynamoDbStore) -> usize {
    let items = dump(backend).await;
    items.iter().filter_map(|item| item.get("keys")).map(|keys| keys.as_ss().unwrap().len()).sum()
}

#[tokio::test]
#[ignore = "tests/real/dynamodb/test runs it"]
async fn hundreds_are_listed_and_removed() {
    let (store, backend) = running().await;
    let letters: Vec<_> = (0..250).map(|number| letter(&format!("letter {number}"), SINCE)).collect();
    for some in letters.chunks(10) {
        try_join_all(some.iter().map(|letter| store.add_dead_letter(letter))).await.unwrap();
    }
    let mut expected = letters.clone();
    expected.sort_by_key(|letter| letter.key);
    assert_eq!(store.dead_letters().await.unwrap(), expected);
    for some in letters.chunks(10) {
        let removed = try_join_all(some.iter().map(|letter| store.remove_dead_letter(&letter.key))).await;
        assert!(removed.unwrap().into_iter().all(|was_there| was_there));
    }
    assert_eq!(store.dead_letters().await.unwrap(), []);
    // Removals at the same time may have conflicted: the next listing cleans up.
    assert_eq!(listed(&backend).await, 0);
}

#[tokio::test]
#[ignore = "tests/real/dynamodb/test runs it"]
async fn one_whose_letter_was_deleted_by_dynamodb_is_taken_off_the_list() {
    let (store, backend) = running().await;
    let (gone, kept) = (letter("gone", SINCE), letter("kept", SINCE));
    for letter in [&gone, &kept] {
        store.add_dead_letter(letter).await.unwrap();
    }
    let client = backend.client().await.unwrap();
    let delete = client
        .delete_item()
        .table_name(&backend.table)
        .key(ID, text(RecordId { kind: RecordKind::DeadLetter, key: gone.key }));
    delete.send().await.unwrap();
    assert_eq!(listed(&backend).await, 2);
    assert_eq!(store.dead_letters().await.unwrap(), [kept]);
    assert_eq!(listed(&backend).await, 1);
}

/// A full list, with the keys of letters that do not exist.
#[tokio::test]
#[ignore = "tests/real/dynamodb/test runs it"]
async fn a_list_that_is_full_is_pruned_to_make_room() {
    let (store, backend) = running().await;
    let dead = letter("dead", SINCE);
    let digit = dead.key.to_string().remove(0);
    let client = backend.client().await.unwrap();
    let room = 400 * 1024 - 64 - ID.len() - "dead-letters#0".len() - "keys".len();
    let keys = (0..room / 64).map(|number| format!("{digit}{number:063x}")).collect();
    let put = client
        .put_item()
        .table_name(&backend.table)
        .item(ID, list_of(digit))
        .item("keys", AttributeValue::Ss(keys));
    put.send().await.unwrap();
    // This takes longer than a call, but not longer than a handler.
    store.add_dead_letter(&dead).await.unwrap();
    assert_eq!(store.dead_letters().await.unwrap(), [dead]);
}

#[tokio::test]
#[ignore = "tests/real/dynamodb/test runs it"]
async fn an_event_that_is_given_up_while_the_list_is_read_is_listed() {
    let (store, backend) = running().await;
    let other = Arc::new(store_over(open(&backend.table).await).0);
    let dead = letter("dead", SINCE);
    let key = dead.key;
    let added = tokio::spawn(async move {
        for _ in 0..50 {
            other.add_dead_letter(&dead).await.unwrap();
            assert_eq!(other.dead_letters().await.unwrap(), std::slice::from_ref(&dead));
            assert!(other.remove_dead_letter(&dead.key).await.unwrap());
        }
        other.add_dead_letter(&dead).await.unwrap();
    });
    while !added.is_finished() {
        store.dead_letters().await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    added.await.unwrap();
    assert_eq!(store.dead_letters().await.unwrap().len(), 1);
    assert!(store.remove_dead_letter(&key).await.unwrap());
}
