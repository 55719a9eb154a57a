//! The suite that every store must pass.

use std::sync::Arc;

use super::support::{backend, running};
use crate::store::suite::timed::Timed;
use crate::store::suite::{check_store, model};
use crate::store::tests::race;

#[tokio::test]
#[ignore = "tests/real/dynamodb/test runs it"]
async fn it_does_what_every_store_does() {
    check_store(backend).await;
}

#[tokio::test]
#[ignore = "tests/real/dynamodb/test runs it"]
async fn it_does_as_the_model_does() {
    for _ in 0..10 {
        model::check(&Timed::new(backend().await), 200).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "tests/real/dynamodb/test runs it"]
async fn of_fifty_who_begin_at_once_one_gets_it() {
    race::all_at_once(Arc::new(running().await.0), 50).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "tests/real/dynamodb/test runs it"]
async fn of_actors_that_race_one_is_at_an_event_at_a_time() {
    race::run(Arc::new(running().await.0)).await;
}
