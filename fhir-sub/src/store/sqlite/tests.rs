//! Files that are created, opened again, shared by the connections of several processes, and damaged.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::TransactionBehavior;

use super::SqliteStore;
use crate::store::suite::timed::{HOW, LEASE, RETENTION, Timed, key, letter, once};
use crate::store::suite::{check_store, model};
use crate::store::tests::race;
use crate::store::{Begun, Entry, Store};

/// A directory that is deleted at the end of the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("fhir-sub-sqlite-{:x}", fastrand::u64(..)));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn backend(&self) -> SqliteStore {
        SqliteStore::new(self.0.join("store.db"))
    }

    fn store(&self) -> Store {
        Store::new(Arc::new(self.backend()), RETENTION)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn it_does_what_every_store_does() {
    let scratch = Scratch::new();
    let number = std::cell::Cell::new(0);
    check_store(|| async {
        number.set(number.get() + 1);
        SqliteStore::new(scratch.0.join(format!("{}.db", number.get())))
    })
    .await;
}

#[tokio::test]
async fn it_does_as_the_model_does() {
    for _ in 0..3 {
        let scratch = Scratch::new();
        model::check(&Timed::new(scratch.backend()), 200).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_who_begin_at_once_one_gets_it() {
    let scratch = Scratch::new();
    race::all_at_once(Arc::new(scratch.store()), 50).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_actors_that_race_one_is_at_an_event_at_a_time() {
    let scratch = Scratch::new();
    race::run(Arc::new(scratch.store())).await;
}

#[tokio::test]
async fn what_was_handled_stays_known_after_a_restart() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let Begun::Fresh(done) = store.begin(&once(), LEASE, HOW).await.unwrap() else { panic!("it is fresh") };
    store.complete(&done).await.unwrap();
    let under_way = Entry::once(key("under way"));
    assert!(matches!(store.begin(&under_way, LEASE, HOW).await.unwrap(), Begun::Fresh(_)));
    store.add_dead_letter(&letter("dead", "2026-01-01T00:00:00Z")).await.unwrap();
    drop(store);
    let store = scratch.store();
    assert_eq!(store.begin(&once(), LEASE, HOW).await.unwrap(), Begun::Done);
    assert_eq!(store.begin(&under_way, LEASE, HOW).await.unwrap(), Begun::UnderWay);
    assert_eq!(store.dead_letters().await.unwrap().len(), 1);
}

/// Each has its own connection, as separate processes have, and each tries to be the first to open the file.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_processes_one_handles_an_event() {
    let scratch = Scratch::new();
    let handle = |store: Store| async move {
        let mut handled = 0;
        for event in 0..30 {
            let entry = Entry::once(key(&format!("event {event}")));
            if let Begun::Fresh(claim) = store.begin(&entry, LEASE, HOW).await.unwrap() {
                store.complete(&claim).await.unwrap();
                handled += 1;
            }
        }
        handled
    };
    let processes: Vec<_> = (0..4).map(|_| tokio::spawn(handle(scratch.store()))).collect();
    let mut handled = 0;
    for process in processes {
        handled += process.await.unwrap();
    }
    assert_eq!(handled, 30);
}

/// SQLite's own way of waiting would mostly miss the moments between two transactions.
#[tokio::test]
async fn beside_a_process_that_writes_all_the_time_another_gets_its_turn() {
    let scratch = Scratch::new();
    let store = scratch.store();
    store.begin(&Entry::once(key("first")), LEASE, HOW).await.unwrap();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let path = scratch.0.join("store.db");
    let writer = std::thread::spawn(move || {
        let mut open = super::Open::file(&path).unwrap();
        while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            let transaction =
                open.connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(20));
            transaction.commit().unwrap();
        }
    });
    let begun = store.begin(&once(), LEASE, HOW).await;
    drop(stop);
    writer.join().unwrap();
    assert!(matches!(begun, Ok(Begun::Fresh(_))), "{begun:?}");
}

#[tokio::test]
async fn many_processes_may_be_the_first_at_once() {
    for _ in 0..20 {
        let scratch = Scratch::new();
        let path = scratch.0.join("store.db");
        let opening: Vec<_> = (0..8)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || super::Open::file(&path).map(drop))
            })
            .collect();
        for opened in opening {
            opened.join().unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn what_has_expired_is_deleted() {
    let scratch = Scratch::new();
    let backend = scratch.backend();
    let store = Store::new(Arc::new(backend.clone()), std::time::Duration::ZERO);
    let Begun::Fresh(done) = store.begin(&once(), std::time::Duration::ZERO, HOW).await.unwrap() else {
        panic!("it is fresh")
    };
    drop(done);
    let mut open = backend.open.lock().unwrap();
    let open = open.as_mut().unwrap();
    let later = std::time::SystemTime::now() + super::CLEANED_EACH;
    open.clean(later).unwrap();
    let rows: i64 = open.connection.query_row("SELECT count(*) FROM records", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 0);
}

#[tokio::test]
async fn what_cannot_be_opened_says_so_without_its_path() {
    let scratch = Scratch::new();
    let nowhere = SqliteStore::new(scratch.0.join("canary").join("store.db"));
    let broken = scratch.0.join("canary.db");
    std::fs::write(&broken, "this is no database, and long enough to be taken for one".repeat(40)).unwrap();
    for backend in [nowhere, SqliteStore::new(broken)] {
        let store = Store::new(Arc::new(backend), RETENTION);
        let failure = store.begin(&once(), LEASE, HOW).await.unwrap_err().to_string();
        assert!(failure.contains("SQLite failed: ") && !failure.contains("canary"), "{failure}");
    }
}
