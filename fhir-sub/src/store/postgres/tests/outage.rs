//! PostgreSQL is killed, refuses, or is silent, and comes back.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;

use super::{at, schema};
use crate::store::suite::timed::{HOW, LEASE, RETENTION, key, letter, once};
use crate::store::{Begun, Entry, Store};

/// The longest time of a call on a busy machine.
const AT_MOST: Duration = super::super::CALL.saturating_add(Duration::from_secs(15));

/// `tests/real/postgres/run kill` ends the server with SIGKILL, and `start` starts it again.
fn server(what: &str) {
    let run = std::env::var("FHIR_SUB_POSTGRES_RUN").expect("tests/real/postgres/test runs this");
    let directory = std::env::var("FHIR_SUB_POSTGRES_KILLED").expect("it names a server to kill");
    assert!(Command::new(run).args([what, &directory]).status().unwrap().success(), "{what}");
}

/// This needs a server of its own, because other tests use theirs meanwhile.
#[tokio::test]
#[ignore = "tests/real/postgres/test runs it"]
async fn while_it_is_down_every_call_says_so_and_after_that_all_is_as_it_was() {
    let url = std::env::var("FHIR_SUB_POSTGRES_KILLED_URL").expect("tests/real/postgres/test runs this");
    let store = Store::new(Arc::new(at(&url)), RETENTION);
    let Begun::Fresh(done) = store.begin(&once(), LEASE, HOW).await.unwrap() else { panic!("it is fresh") };
    store.complete(&done).await.unwrap();
    let entry = Entry::once(key("under way"));
    let Begun::Fresh(under_way) = store.begin(&entry, LEASE, HOW).await.unwrap() else {
        panic!("it is fresh")
    };
    let sweeping = store.begin_sweep(&key("sweep"), &[], LEASE).await.unwrap().unwrap();
    let dead = letter("dead", "2026-01-01T00:00:00Z");
    store.add_dead_letter(&dead).await.unwrap();

    server("kill");
    let begun = Instant::now();
    let failures = [
        store.begin(&once(), LEASE, HOW).await.err(),
        store.complete(&under_way).await.err(),
        store.release(&under_way).await.err(),
        store.give_up(&under_way).await.err(),
        store.add_dead_letter(&dead).await.err(),
        store.dead_letters().await.err(),
        store.remove_dead_letter(&dead.key).await.err(),
        store.begin_sweep(&key("sweep"), &[], LEASE).await.err(),
        store.save_sweep(&sweeping, None).await.err(),
    ];
    assert!(begun.elapsed() < AT_MOST, "{:?}", begun.elapsed());
    for failure in failures {
        let failure = failure.expect("it is down").to_string();
        assert!(failure.contains("no connection"), "{failure}");
        assert!(!failure.contains("127.0.0.1") && !failure.contains("canary"), "{failure}");
    }

    server("start");
    assert_eq!(store.begin(&once(), LEASE, HOW).await.unwrap(), Begun::Done);
    store.complete(&under_way).await.unwrap();
    assert_eq!(store.begin(&entry, LEASE, HOW).await.unwrap(), Begun::Done);
    assert!(store.save_sweep(&sweeping, None).await.unwrap());
    assert_eq!(store.dead_letters().await.unwrap(), [dead]);
}

/// Connections end: proxies and administrators end them, and a Lambda is frozen.
#[tokio::test]
#[ignore = "tests/real/postgres/test runs it"]
async fn a_connection_that_has_ended_is_replaced_without_a_word() {
    let url = schema().await;
    let backend = Arc::new(at(&url));
    let store = Store::new(Arc::new(Arc::clone(&backend)), RETENTION);
    let Begun::Fresh(claim) = store.begin(&once(), LEASE, HOW).await.unwrap() else { panic!("it is fresh") };
    let (client, _) = backend.client().await.unwrap();
    // The connection ends itself.
    let _ = client.batch_execute("SELECT pg_terminate_backend(pg_backend_pid())").await;
    store.complete(&claim).await.unwrap();
    assert_eq!(store.begin(&once(), LEASE, HOW).await.unwrap(), Begun::Done);
}

#[tokio::test]
async fn one_that_is_silent_or_is_something_else_is_told_without_its_password() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            held.push(listener.accept().await.unwrap());
        }
    });
    for mode in ["disable", "verify-full"] {
        let url = format!("postgres://canary:canary@127.0.0.1:{port}/canary?sslmode={mode}");
        let store = Store::new(Arc::new(at(&url)), RETENTION);
        assert!(!format!("{store:?}").contains("canary"));
        let begun = Instant::now();
        let failure = store.begin(&once(), LEASE, HOW).await.unwrap_err().to_string();
        assert!(begun.elapsed() < AT_MOST, "{:?}", begun.elapsed());
        assert!(!failure.contains("canary"), "{failure}");
    }
    server.abort();
}
