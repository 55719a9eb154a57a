//! The suite that every store must pass; `tests/real/postgres/test` runs it against a PostgreSQL server of
//! its own.

mod outage;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio_postgres::NoTls;

use super::{PostgresStore, State};
use crate::settings::PostgresUrl;
use crate::store::suite::timed::{HOW, LEASE, RETENTION, Timed, key, once};
use crate::store::suite::{check_store, model};
use crate::store::tests::race;
use crate::store::{Begun, Entry, Store, StoreBackend};

/// The URL of the database, without a schema.
fn url() -> String {
    std::env::var("FHIR_SUB_POSTGRES_URL").expect("tests/real/postgres/test runs this")
}

fn at(url: &str) -> PostgresStore {
    PostgresStore::new(&PostgresUrl::parse(url).unwrap())
}

/// The URL of an empty schema of its own.
async fn schema() -> String {
    let (client, connection) = tokio_postgres::connect(&url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    let name = format!("of_{:x}", fastrand::u64(..));
    client.batch_execute(&format!("CREATE SCHEMA {name}")).await.unwrap();
    format!("{}?options=-csearch_path%3D{name}", url())
}

async fn backend() -> PostgresStore {
    at(&schema().await)
}

async fn store() -> Store {
    Store::new(Arc::new(backend().await), RETENTION)
}

#[tokio::test]
#[ignore = "tests/real/postgres/test runs it"]
async fn it_does_what_every_store_does() {
    check_store(backend).await;
}

#[tokio::test]
#[ignore = "tests/real/postgres/test runs it"]
async fn it_does_as_the_model_does() {
    for _ in 0..10 {
        model::check(&Timed::new(backend().await), 200).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "tests/real/postgres/test runs it"]
async fn of_fifty_who_begin_at_once_one_gets_it() {
    race::all_at_once(Arc::new(store().await), 50).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "tests/real/postgres/test runs it"]
async fn of_actors_that_race_one_is_at_an_event_at_a_time() {
    race::run(Arc::new(store().await)).await;
}

/// Several instances start at the same time, and none of them finds a table.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "tests/real/postgres/test runs it"]
async fn of_instances_that_start_at_once_each_finds_the_table() {
    let url = schema().await;
    let begin = |url: String| async move {
        let store = Store::new(Arc::new(at(&url)), RETENTION);
        matches!(store.begin(&once(), LEASE, HOW).await.unwrap(), Begun::Fresh(_))
    };
    let instances: Vec<_> = (0..12).map(|_| tokio::spawn(begin(url.clone()))).collect();
    let mut fresh = 0;
    for instance in instances {
        fresh += usize::from(instance.await.unwrap());
    }
    assert_eq!(fresh, 1);
}

/// Four instances, each with its own connection, get 300 events four times each, each instance in its own
/// order.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "tests/real/postgres/test runs it"]
async fn of_four_instances_and_three_hundred_events_told_four_times_each_is_handled_once() {
    let url = schema().await;
    let handle = |url: String| async move {
        let store = Store::new(Arc::new(at(&url)), RETENTION);
        let mut told: Vec<_> = (0..300).flat_map(|event| [event; 4]).collect();
        fastrand::shuffle(&mut told);
        let mut handled = Vec::new();
        for event in told {
            let entry = Entry::once(key(&format!("event {event}")));
            if let Begun::Fresh(claim) = store.begin(&entry, LEASE, HOW).await.unwrap() {
                handled.push(event);
                store.complete(&claim).await.unwrap();
            }
        }
        handled
    };
    let instances: Vec<_> = (0..4).map(|_| tokio::spawn(handle(url.clone()))).collect();
    let mut handled = Vec::new();
    for instance in instances {
        handled.extend(instance.await.unwrap());
    }
    handled.sort_unstable();
    assert_eq!(handled, (0..300).collect::<Vec<_>>());
}

/// The clocks of the instances do not matter.
#[tokio::test]
#[ignore = "tests/real/postgres/test runs it"]
async fn its_time_is_the_databases() {
    let backend = backend().await;
    let now = backend.now().await.unwrap();
    let apart = now.duration_since(SystemTime::now()).unwrap_or_else(|error| error.duration());
    assert!(apart < Duration::from_secs(1), "both run on this machine");
    backend.state.lock().await.ahead = 3_600_000;
    let ahead = backend.now().await.unwrap();
    assert!(ahead.duration_since(now).unwrap() > Duration::from_secs(3_500));
    // Each answer includes the database's time.
    let store = Store::new(Arc::new(backend), RETENTION);
    assert!(matches!(store.begin(&once(), LEASE, HOW).await.unwrap(), Begun::Fresh(_)));
    assert_eq!(store.begin(&once(), LEASE, HOW).await.unwrap(), Begun::UnderWay);
}

#[tokio::test]
#[ignore = "tests/real/postgres/test runs it"]
async fn what_has_expired_is_deleted() {
    let backend = Arc::new(backend().await);
    let store = Store::new(Arc::new(Arc::clone(&backend)), Duration::ZERO);
    assert!(matches!(store.begin(&once(), Duration::ZERO, HOW).await.unwrap(), Begun::Fresh(_)));
    for _ in 0..200 {
        backend.state.lock().await.cleaned = None;
        backend.clean().await;
        let (client, _) = backend.client().await.unwrap();
        let rows = client.query("SELECT FROM fhir_sub_records", &[]).await.unwrap();
        if rows.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it is still there");
}

#[test]
fn a_late_answer_does_not_set_the_clock_back() {
    let mut state = State { ahead: 40, ..State::default() };
    for (told, ahead) in
        [(15, 40), (-2_900, 40), (55, 55), (-4_000, -4_000), (-3_990, -3_990), (3_600_000, 3_600_000)]
    {
        state.learn(told);
        assert_eq!(state.ahead, ahead, "after {told}");
    }
}
