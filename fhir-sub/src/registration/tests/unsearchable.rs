//! Servers that cannot search for Subscriptions. Some of them lack `PUT` or `DELETE` too.

use std::sync::Arc;

use super::odd::{OddServer, Ways, odd};
use super::*;
use crate::store::{MemoryStore, Put, Record, RecordId, RecordKind, StoreBackend, StoreFuture, Unavailable};

fn unsearchable(search: u16) -> Ways {
    Ways { search, ..Ways::default() }
}

async fn run(app: &App) -> (RowResult, String) {
    let report = app.register(Options::default()).await;
    assert!(report.is_complete(), "{report:?}");
    (report.rows()[0].result, report.rows()[0].message.clone().unwrap_or_default())
}

#[tokio::test(start_paused = true)]
async fn what_is_created_is_found_by_its_id() {
    for search in [404, 405, 501] {
        let (app, server) = odd(unsearchable(search), vec![patients("a")], &[]);
        let (result, message) = run(&app).await;
        assert_eq!(result, RowResult::Created);
        assert!(
            message.contains("no search of Subscriptions") && message.contains("--known FILE"),
            "{message}"
        );
        assert_eq!(run(&app).await.0, RowResult::Unchanged);
        assert_eq!(server.writes(), 1);
        assert!(status(&app, Deadline::after(Duration::from_secs(60))).await[0].is_sound());
        server.change(|it| it["reason"] = json!("another"));
        assert_eq!(run(&app).await.0, RowResult::Updated);
        assert_eq!((server.all().len(), &server.all()[0]["reason"]), (1, &json!("a test")));
        // Another process does not know it, and says so.
        let rows =
            status(&server.app(vec![patients("a")], &[]), Deadline::after(Duration::from_secs(60))).await;
        assert!(rows[0].status == "missing" && rows[0].message.as_deref().unwrap().contains("--known"));
    }
}

#[tokio::test(start_paused = true)]
async fn another_failure_is_no_missing_search() {
    for search in [400, 401, 403, 500] {
        let (app, server) = odd(unsearchable(search), vec![patients("a")], &[]);
        let report = app.register(Options::default()).await;
        assert_eq!((results(&report), server.writes()), (vec![("a", RowResult::Failed)], 0));
    }
}

fn file(name: &str) -> std::path::PathBuf {
    std::env::temp_dir().join(format!("fhir-sub-known-{}-{name}", std::process::id()))
}

async fn with_file(
    server: &std::sync::Arc<OddServer>,
    path: &std::path::Path,
    settings: &[(&str, &str)],
) -> RowResult {
    let app = server.app(vec![patients("a")], settings);
    let notebook = Notebook::read(path).unwrap();
    notebook.open(&app);
    let (result, message) = run(&app).await;
    assert!(!message.contains("--known"), "{message}");
    notebook.write(&app).unwrap();
    result
}

#[tokio::test(start_paused = true)]
async fn a_file_keeps_the_ids() {
    let path = file("ids");
    let _ = std::fs::remove_file(&path);
    let (_, server) = odd(unsearchable(405), vec![patients("a")], &[]);
    assert_eq!(with_file(&server, &path, &[]).await, RowResult::Created);
    assert_eq!(with_file(&server, &path, &[]).await, RowResult::Unchanged);
    assert_eq!(server.writes(), 1);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("https://app.example.org/hooks/a") && !text.contains("0f1e2d3c"), "{text}");
    // The file's entries are for one server only.
    let another = [("FHIR_BASE_URL", "https://other.example.org")];
    assert_eq!(with_file(&server, &path, &another).await, RowResult::Created);
    // A changed secret is written even if the server hides it.
    server
        .change_ways(|ways| ways.shows = |it| it["channel"]["header"] = json!(["X-Subscription-Auth: ***"]));
    let rotated = [("FHIR_SUBSCRIPTION_SECRET", "ffffffff4b5a69788796a5b4c3d2e1f0")];
    assert_eq!(with_file(&server, &path, &rotated).await, RowResult::Updated);
    assert_eq!(with_file(&server, &path, &rotated).await, RowResult::Unchanged);
    std::fs::write(&path, "[]").unwrap();
    assert!(Notebook::read(&path).unwrap_err().contains("name another file"));
    std::fs::remove_file(&path).unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_that_is_gone_is_created_again() {
    let (app, server) = odd(unsearchable(405), vec![patients("a")], &[]);
    run(&app).await;
    server.clear();
    assert_eq!(run(&app).await.0, RowResult::Created);
    assert_eq!(server.all().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_put_it_is_deleted_and_created() {
    for put in [405, 501] {
        for search in [200, 405] {
            let (app, server) = odd(Ways { put, search, ..Ways::default() }, vec![patients("a")], &[]);
            run(&app).await;
            server.change(|it| it["reason"] = json!("another"));
            let report = app.register(Options::default()).await;
            assert_eq!(results(&report), [("a", RowResult::Updated)], "{report:?}");
            assert_eq!(report.rows()[0].differences, ["reason"]);
            assert_eq!((server.all().len(), &server.all()[0]["reason"]), (1, &json!("a test")));
            assert_eq!(run(&app).await.0, RowResult::Unchanged);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_delete_too_it_is_a_failed_row() {
    let ways = Ways { put: 405, search: 405, delete: 405, ..Ways::default() };
    let (app, server) = odd(ways, vec![patients("a")], &[]);
    assert_eq!(run(&app).await.0, RowResult::Created);
    assert_eq!(run(&app).await.0, RowResult::Unchanged);
    server.change(|it| it["reason"] = json!("another"));
    let report = app.register(Options::default()).await;
    assert_eq!(results(&report), [("a", RowResult::Failed)]);
    assert_eq!(server.all().len(), 1);
}

/// A process with a durable store that others share.
fn process(server: &Arc<OddServer>, store: &Arc<dyn StoreBackend>, settings: &[(&str, &str)]) -> App {
    server.app_with(vec![patients("a")], settings, |builder| builder.store(Arc::clone(store)))
}

fn shared() -> Arc<dyn StoreBackend> {
    Arc::new(MemoryStore::shared(Arc::new(std::time::SystemTime::now)))
}

const OLD: (&str, &str) = ("FHIR_SUBSCRIPTION_STORE_KEY", "the-old-key-of-the-store-of-the-ward");
const NEW: (&str, &str) = ("FHIR_SUBSCRIPTION_STORE_KEY", "the-new-key-of-the-store-of-the-ward");
const AND_OLD: (&str, &str) = ("FHIR_SUBSCRIPTION_STORE_KEY_PREVIOUS", OLD.1);

#[tokio::test(start_paused = true)]
async fn a_store_keeps_the_ids_through_a_rotation_of_its_key() {
    let (_, server) = odd(unsearchable(405), vec![patients("a")], &[]);
    let store = shared();
    assert_eq!(run(&process(&server, &store, &[OLD])).await.0, RowResult::Created);
    for keys in [&[OLD][..], &[NEW, AND_OLD], &[NEW, AND_OLD]] {
        assert_eq!(run(&process(&server, &store, keys)).await.0, RowResult::Unchanged);
    }
    // A write brings the record to the new key.
    server.clear();
    assert_eq!(run(&process(&server, &store, &[NEW, AND_OLD])).await.0, RowResult::Created);
    assert_eq!(run(&process(&server, &store, &[NEW])).await.0, RowResult::Unchanged);
    assert_eq!((server.writes(), server.all().len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn status_knows_the_id_in_the_store() {
    let (_, server) = odd(unsearchable(405), vec![patients("a")], &[]);
    let store = shared();
    run(&process(&server, &store, &[])).await;
    server.clear();
    let rows = status(&process(&server, &store, &[]), Deadline::after(Duration::from_secs(60))).await;
    let message = rows[0].message.as_deref().unwrap();
    assert!(rows[0].status == "missing" && message.contains("does not show Subscription/"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn two_processes_that_begin_at_once_leave_one() {
    for _ in 0..20 {
        let (_, server) = odd(unsearchable(405), vec![patients("a")], &[]);
        let store = shared();
        let (one, other) = (process(&server, &store, &[]), process(&server, &store, &[]));
        let (first, second) = tokio::join!(run(&one), run(&other));
        assert!(
            [&first, &second].iter().any(|(result, _)| *result == RowResult::Created),
            "{first:?} {second:?}"
        );
        assert_eq!(server.all().len(), 1);
        for app in [&one, &other, &process(&server, &store, &[])] {
            assert_eq!(run(app).await.0, RowResult::Unchanged);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_process_has_replaced_is_found() {
    let (_, server) = odd(Ways { put: 405, ..unsearchable(405) }, vec![patients("a")], &[]);
    let store = shared();
    let (one, other) = (process(&server, &store, &[]), process(&server, &store, &[]));
    run(&one).await;
    server.change(|it| it["reason"] = json!("another"));
    assert_eq!(run(&other).await.0, RowResult::Updated);
    for app in [&one, &other] {
        assert_eq!(run(app).await.0, RowResult::Unchanged);
    }
    assert_eq!(server.all().len(), 1);
}

/// Without the store, nobody knows whether there is one: another could not be told from it.
#[tokio::test(start_paused = true)]
async fn without_its_store_nothing_is_created() {
    let (_, server) = odd(unsearchable(405), vec![patients("a")], &[]);
    let app = process(&server, &(Arc::new(Down) as Arc<dyn StoreBackend>), &[]);
    let report = app.register(Options::default()).await;
    assert_eq!((results(&report), server.writes()), (vec![("a", RowResult::Failed)], 0));
    assert!(report.rows()[0].message.as_deref().unwrap().contains("the store is down"), "{report:?}");
}

/// A store that cannot be reached.
#[derive(Debug)]
struct Down;

impl Down {
    fn answer<'a, T: Send + 'a>() -> StoreFuture<'a, T> {
        Box::pin(std::future::ready(Err(Unavailable::new("the store is down"))))
    }
}

impl StoreBackend for Down {
    fn is_durable(&self) -> bool {
        true
    }

    fn get<'a>(&'a self, _: &'a RecordId) -> StoreFuture<'a, Option<Record>> {
        Self::answer()
    }

    fn put<'a>(&'a self, _: &'a RecordId, _: Option<u64>, _: Option<&'a Record>) -> StoreFuture<'a, Put> {
        Self::answer()
    }

    fn list(&self, _: RecordKind) -> StoreFuture<'_, Vec<Record>> {
        Self::answer()
    }
}
