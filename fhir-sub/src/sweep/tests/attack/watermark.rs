//! The watermark passes only changes that are known to be done.

use std::future::ready;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::declaration::{Content, Declaration, Topic, Trigger};
use crate::fhir::Instant;
use crate::fixtures::{declaration, leak};
use crate::promises::kit::{
    Do, Got, REQUIRED, Reply, Run, app, at, bundle, criteria, encounter, front, moment, otherwise, outcome,
    page, parameter, reply, script, shared, swept,
};
use crate::registration::Options;
use crate::request::Head;
use crate::sandbox::Behaviour;
use crate::service::Route;
use crate::store::{Put, Record, RecordId, RecordKind, StoreBackend, StoreFuture, Unavailable};
use crate::testing::TestApp;

/// 7: the server's clock was an hour ahead during one sweep, and was then corrected.
#[tokio::test(start_paused = true)]
async fn t07_the_servers_clock_goes_back() {
    let rows: Arc<Mutex<Vec<(String, String, u64)>>> = Arc::default();
    let date: Arc<Mutex<u64>> = Arc::default();
    let script = script(|_| Do::Ok);
    let (of_server, of_date) = (Arc::clone(&rows), Arc::clone(&date));
    let server = front(move |asked| {
        let mut reply = if asked.starts_with("GET Encounter?") {
            reply(200, page(asked, &of_server.lock().unwrap()))
        } else {
            otherwise(asked)
        };
        reply.date = Some(moment(*of_date.lock().unwrap()));
        reply
    });
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    const MINUTE: u64 = 60_000;
    *date.lock().unwrap() = 0;
    swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
    // The clock of the server, or of a gateway, is an hour ahead.
    *date.lock().unwrap() = 65 * MINUTE;
    swept(&app, None, 60).await;
    // It is corrected, and then something happens that no notification reports.
    rows.lock().unwrap().push(("lost".to_owned(), "1".to_owned(), 7 * MINUTE));
    for minute in (10..200).step_by(5) {
        *date.lock().unwrap() = minute * MINUTE;
        swept(&app, None, 60).await;
    }
    swept(&app, None, 60).await;
    assert_eq!(script.ran(), ["Encounter/lost@1"], "never found");
}

/// 24: a server that does not sort, and an import of 300 resources in one moment: the first page has only
/// that moment.
#[tokio::test(start_paused = true)]
async fn t24_an_import_on_a_server_that_does_not_sort() {
    let mut rows: Vec<_> =
        (0..300).map(|number| (format!("import-{number}"), "1".to_owned(), 600_000)).collect();
    rows.extend((0..5).map(|number| (format!("single-{number}"), "1".to_owned(), 60_000 * number)));
    let script = script(|_| Do::Ok);
    let server = front(move |asked| {
        let mut reply = if asked.starts_with("GET Encounter?") {
            let since = parameter(asked, "_lastUpdated").unwrap();
            let since = Instant::parse(since.strip_prefix("ge").unwrap()).unwrap();
            let offset: usize = parameter(asked, "offset").map_or(0, |offset| offset.parse().unwrap());
            // The order is by id, whatever `_sort` says.
            let found: Vec<_> = rows.iter().filter(|row| Instant::from(moment(row.2)) >= since).collect();
            let entries =
                found.iter().skip(offset).take(100).map(|row| encounter(&row.0, Some(&row.1), row.2));
            let mut answer = bundle(entries);
            if offset + 100 < found.len() {
                let plain = asked.strip_prefix("GET ").unwrap().split("&offset").next().unwrap();
                answer["link"] = json!([{
                    "relation": "next",
                    "url": format!("https://fhir.example.org/r4/{plain}&offset={}", offset + 100),
                }]);
            }
            reply(200, answer)
        } else {
            otherwise(asked)
        };
        reply.date = Some(moment(1_200_000));
        reply
    });
    let app = app(Behaviour::Generic, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    swept(&app, Some("2026-01-01T00:00:00Z"), 600).await;
    swept(&app, None, 600).await;
    let singles = script.ran().iter().filter(|line| line.contains("single")).count();
    assert_eq!(singles, 5, "lost");
}

/// 27: a server that ignores an unknown search parameter, as FHIR allows by default (lenient), and says so in
/// its `self` link.
#[tokio::test(start_paused = true)]
async fn t27_a_parameter_that_the_servers_search_ignores() {
    let script = script(|_| Do::Ok);
    let server = front(|asked| {
        if asked.starts_with("GET Encounter?") {
            let since = parameter(asked, "_lastUpdated").unwrap();
            let other = json!({
                "resourceType": "Encounter", "id": "of-another-ward", "status": "arrived",
                "meta": { "versionId": "1", "lastUpdated": at(60_000) },
            });
            let mut answer = bundle([other]);
            answer["link"] = json!([{
                "relation": "self", "url": format!("https://fhir.example.org/r4/Encounter?_lastUpdated={since}"),
            }]);
            return reply(200, answer);
        }
        if asked.starts_with("GET Subscription?") {
            return reply(200, bundle([]));
        }
        reply(404, outcome())
    });
    let topic = Topic {
        url: "https://example.org/topics/admission",
        filters: &["Encounter?ward=7"],
        heartbeat: None,
        timeout: None,
        max_count: None,
    };
    let declaration = Declaration {
        trigger: Trigger::Topic(topic),
        content: Content::IdOnly,
        ..declaration::<Got<REQUIRED>, Run>("", "e")
    };
    let app = app(Behaviour::Generic, declaration, Some(shared()), server, &script, &[]);
    swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
    let ran = script.ran();
    assert!(ran.is_empty(), "the handler of ward 7 ran on what no filter was held against");
}

/// 28: a search with a partial answer that says so.
#[tokio::test(start_paused = true)]
async fn t28_a_search_that_is_answered_in_part() {
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let script = script(|_| Do::Ok);
    let server = front(move |asked| {
        let mut reply = if asked.starts_with("GET Encounter?") {
            let is_first = calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
            let mut answer = if is_first {
                bundle([])
            } else {
                page(asked, &[("of-the-other-shard".to_owned(), "1".to_owned(), 60_000)])
            };
            if is_first {
                let text = "a shard did not answer in time: the results are incomplete";
                answer["entry"] = json!([{
                    "search": { "mode": "outcome" },
                    "resource": {
                        "resourceType": "OperationOutcome",
                        "issue": [{ "severity": "error", "code": "incomplete", "details": { "text": text } }],
                    },
                }]);
            }
            reply(200, answer)
        } else {
            otherwise(asked)
        };
        reply.date = Some(moment(600_000));
        reply
    });
    let app = app(Behaviour::Generic, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    for number in 0..5 {
        let since = (number == 0).then_some("2026-01-01T00:00:00Z");
        swept(&app, since, 60).await;
    }
    assert_eq!(script.ran().len(), 1, "lost: the watermark has passed it");
}

/// HAPI keeps the results of a search, and shows the current version of a resource on a later page.
#[tokio::test(start_paused = true)]
async fn what_has_changed_since_the_search_is_left_to_the_next_one() {
    let rows: Vec<_> = (0..150).map(|number| (number.to_string(), "1".to_owned(), number * 10)).collect();
    let later_pages = std::sync::atomic::AtomicUsize::new(0);
    let script = script(|_| Do::Ok);
    let server = front(move |asked| {
        if !asked.starts_with("GET Encounter?") {
            return reply(if asked.starts_with("GET Subscription?") { 200 } else { 404 }, bundle([]));
        }
        let mut rows = rows.clone();
        let is_later_page = asked.contains("offset=");
        if is_later_page && later_pages.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 {
            // It matched when the search began.
            rows[149] = ("149".to_owned(), "2".to_owned(), 3_600_500);
        } else if later_pages.load(std::sync::atomic::Ordering::SeqCst) > 0 {
            rows.pop();
        }
        let mut reply = reply(200, page(asked, &rows));
        reply.date = Some(moment(3_600_000));
        reply
    });
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    swept(&app, Some("2026-01-01T00:00:00Z"), 600).await;
    let ran = script.ran();
    assert!(!ran.contains(&"Encounter/149@2".to_owned()), "the handler ran on what does not match");
    assert_eq!(ran.len(), 149);
}

/// Between two sweeps, the server's clock was put back by less than the time between them, but by more than
/// the overlap. At the second sweep, it has passed the watermark again.
#[tokio::test(start_paused = true)]
async fn a_clock_that_was_put_back_and_has_passed_the_watermark_again() {
    const MINUTE: u64 = 60_000;
    let date: Arc<Mutex<u64>> = Arc::new(Mutex::new(60 * MINUTE));
    let here: Arc<Mutex<u64>> = Arc::new(Mutex::new(60 * MINUTE));
    let rows: Arc<Mutex<Vec<(String, String, u64)>>> = Arc::default();
    let script = script(|_| Do::Ok);
    let (of_server, of_date) = (Arc::clone(&rows), Arc::clone(&date));
    let server = front(move |asked| {
        let answer = match asked {
            _ if asked.starts_with("GET Encounter?") => page(asked, &of_server.lock().unwrap()),
            _ if asked.starts_with("GET Subscription?") => bundle([]),
            _ => return reply(404, outcome()),
        };
        Reply { date: Some(moment(*of_date.lock().unwrap())), ..reply(200, answer) }
    });
    let clock = Arc::clone(&here);
    let builder = TestApp::builder(Behaviour::Hapi, leak([criteria::<REQUIRED>()])).store(shared());
    let builder = builder.clock(move || moment(*clock.lock().unwrap()));
    let app = builder.transport(Arc::new(server)).state(Arc::clone(&script)).build().unwrap();
    swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
    // A quarter of an hour later the clock is ten minutes behind. It was put back just after the sweep.
    rows.lock().unwrap().push(("lost".to_owned(), "1".to_owned(), 51 * MINUTE));
    (*here.lock().unwrap(), *date.lock().unwrap()) = (75 * MINUTE, 65 * MINUTE);
    let row = swept(&app, None, 60).await;
    assert_eq!(script.ran(), ["Encounter/lost@1"], "{row}");
    assert!(row.to_string().contains("was put back"), "{row}");
    let row = swept(&app, None, 60).await;
    assert!(!row.to_string().contains("was put back"), "it is told once: {row}");
}

/// A clock was two hours ahead while fifty resources were written. They are on a later page, which may show changes
/// from after the search.
#[tokio::test(start_paused = true)]
async fn times_in_the_future_on_a_later_page() {
    let time = |number: u64| if number < 100 { number * 10 } else { 7_200_000 + number };
    let rows: Vec<_> = (0..150).map(|number| (number.to_string(), "1".to_owned(), time(number))).collect();
    let script = script(|_| Do::Ok);
    let server = front(move |asked| match asked {
        _ if asked.starts_with("GET Encounter?") => {
            Reply { date: Some(moment(60_000)), ..reply(200, page(asked, &rows)) }
        }
        _ => reply(if asked.starts_with("GET Subscription?") { 200 } else { 404 }, bundle([])),
    });
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    let row = swept(&app, Some("2026-01-01T00:00:00Z"), 600).await;
    assert_eq!((script.ran().len(), &row["left"]), (150, &json!(false)), "{row}");
}

/// The Subscription was written again long after it was created, and the server is busy when a first sweep asks for its first
/// version.
#[tokio::test(start_paused = true)]
async fn a_first_sweep_begins_only_when_it_knows_where() {
    let is_busy = Arc::new(AtomicBool::new(false));
    let (of_server, subscription) = (Arc::clone(&is_busy), Mutex::<Option<Value>>::default());
    let server = front(move |asked| {
        let mut subscription = subscription.lock().unwrap();
        if let Some(body) = asked.strip_prefix("POST Subscription ") {
            let mut written: Value = serde_json::from_str(body).unwrap();
            written["id"] = json!("s1");
            written["status"] = json!("active");
            written["meta"] = json!({ "versionId": "2", "lastUpdated": at(600_000) });
            *subscription = Some(written.clone());
            return reply(201, written);
        }
        if asked.starts_with("GET Subscription/s1/_history") {
            if of_server.load(Ordering::SeqCst) {
                return reply(503, outcome());
            }
            let mut first = subscription.clone().unwrap();
            first["meta"] = json!({ "versionId": "1", "lastUpdated": at(0) });
            return reply(200, first);
        }
        if asked.starts_with("GET Subscription/s1") && !asked.contains('$') {
            return reply(200, subscription.clone().unwrap());
        }
        if asked.starts_with("GET Subscription?") {
            return reply(200, bundle(subscription.clone()));
        }
        if asked.starts_with("GET Encounter?") {
            return reply(200, page(asked, &[("lost".to_owned(), "1".to_owned(), 60_000)]));
        }
        reply(404, outcome())
    });
    let script = script(|_| Do::Ok);
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    let head = Head { method: &Method::POST, path: "/register", query: None, headers: &HeaderMap::new() };
    let options = Options::from_query("").unwrap();
    let registered = app.answer(&head, Route::Register { options }, &[], app.deadline(None)).await;
    assert_eq!(registered.answer.status, 200, "{registered:?}");
    is_busy.store(true, Ordering::SeqCst);
    let row = swept(&app, None, 60).await;
    assert_eq!(row["result"], "failed", "{row}");
    is_busy.store(false, Ordering::SeqCst);
    let row = swept(&app, None, 60).await;
    assert_eq!(script.ran(), ["Encounter/lost@1"], "{row}");
}

/// A store that cannot be read for the second time.
#[derive(Debug)]
struct ReadOnce {
    store: Arc<dyn StoreBackend>,
    readings: AtomicUsize,
}

impl StoreBackend for ReadOnce {
    fn is_durable(&self) -> bool {
        true
    }

    fn now(&self) -> StoreFuture<'_, SystemTime> {
        self.store.now()
    }

    fn get<'a>(&'a self, id: &'a RecordId) -> StoreFuture<'a, Option<Record>> {
        if self.readings.fetch_add(1, Ordering::SeqCst) == 1 {
            return Box::pin(ready(Err(Unavailable::new("it cannot be read"))));
        }
        self.store.get(id)
    }

    fn put<'a>(
        &'a self,
        id: &'a RecordId,
        expected: Option<u64>,
        record: Option<&'a Record>,
    ) -> StoreFuture<'a, Put> {
        self.store.put(id, expected, record)
    }

    fn list(&self, kind: RecordKind) -> StoreFuture<'_, Vec<Record>> {
        self.store.list(kind)
    }
}

/// The server has no search for Subscriptions, and the store, which has the id, cannot be read.
#[tokio::test(start_paused = true)]
async fn a_first_sweep_does_not_begin_now_because_the_store_cannot_be_read() {
    let server = front(|asked| match asked {
        _ if asked.starts_with("GET Subscription?") => reply(405, outcome()),
        _ if asked.starts_with("GET Encounter?") => reply(200, page(asked, &[])),
        _ => reply(404, outcome()),
    });
    let (script, readings) = (script(|_| Do::Ok), AtomicUsize::new(0));
    let store: Arc<dyn StoreBackend> = Arc::new(ReadOnce { store: shared(), readings });
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(store), server, &script, &[]);
    let row = swept(&app, None, 60).await;
    assert_eq!((&row["result"], &row["watermark"]), (&json!("failed"), &json!(null)), "{row}");
    let row = swept(&app, None, 60).await;
    assert_eq!(row["result"], "swept", "{row}");
}
