//! Counters that restart.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::app::App;
use crate::declaration::{Content, Declaration, Order, Topic, Trigger, Trust};
use crate::interaction::Interactions;
use crate::promises::kit::{
    Do, REQUIRED, Reply, Script, UNUSED, app, app_at, at, bundle, encounter, front, here, moment, outcome,
    page, parameter, post, reply, script, shared, swept, topic,
};
use crate::registration::Options;
use crate::request::Head;
use crate::sandbox::Behaviour;
use crate::service::Route;

/// For each event: its number, its resource, and the minute when it happened.
type Events = Arc<Mutex<Vec<(u64, String, u64)>>>;

/// A server with these events, which gives their times or does not. A search returns `found`, unless the events are
/// old.
fn server(
    events: Events,
    tells_time: bool,
    found: &'static [(&'static str, u64)],
) -> impl Fn(&str) -> Reply + Send + Sync {
    let subscription: Mutex<Option<Value>> = Mutex::default();
    move |asked| {
        if let Some(body) = asked.strip_prefix("POST Subscription ") {
            let mut written: Value = serde_json::from_str(body).unwrap();
            written["id"] = json!("s1");
            written["status"] = json!("active");
            written["meta"]["versionId"] = json!("1");
            *subscription.lock().unwrap() = Some(written.clone());
            return reply(201, written);
        }
        let events = events.lock().unwrap().clone();
        let status = |kind: &str, events: &[(u64, String, u64)], count: usize| {
            let event = |(number, focus, minute): &(u64, String, u64)| {
                let mut event = json!({ "eventNumber": number.to_string(), "focus": { "reference": focus } });
                if tells_time {
                    event["timestamp"] = json!(at(minute * 60_000));
                }
                event
            };
            json!({
                "resourceType": "SubscriptionStatus", "type": kind,
                "subscription": { "reference": "Subscription/s1" },
                "eventsSinceSubscriptionStart": count.to_string(),
                "notificationEvent": events.iter().map(event).collect::<Vec<_>>(),
            })
        };
        if asked.starts_with("GET Subscription/s1/$status") {
            return reply(200, status("query-status", &[], events.len()));
        }
        if asked.starts_with("GET Subscription/s1/$events") {
            let number = |name| parameter(asked, name).unwrap().parse::<u64>().unwrap();
            let numbers = number("eventsSinceNumber")..=number("eventsUntilNumber");
            let count = events.len();
            let asked: Vec<_> = events.into_iter().filter(|event| numbers.contains(&event.0)).collect();
            let status = status("query-event", &asked, count);
            let bundle = json!({
                "resourceType": "Bundle", "type": "subscription-notification", "entry": [{ "resource": status }],
            });
            return reply(200, bundle);
        }
        if asked.starts_with("GET Subscription/s1") && !asked.contains("_history") {
            return reply(200, subscription.lock().unwrap().clone().unwrap());
        }
        if asked.starts_with("GET Subscription?") {
            return reply(200, bundle(subscription.lock().unwrap().clone()));
        }
        if let Some(id) = asked.strip_prefix("GET Encounter/").filter(|id| !id.contains('/')) {
            return reply(200, encounter(id, Some("1"), 1000));
        }
        if asked.starts_with("GET Encounter?") && !found.is_empty() {
            // Before a restart, the search shows nothing.
            if events.first().is_some_and(|(_, focus, _)| focus.starts_with("Encounter/old-")) {
                return reply(200, bundle([]));
            }
            let row = |(id, time): &(&str, u64)| ((*id).to_owned(), "1".to_owned(), *time);
            return reply(200, page(asked, &found.iter().map(row).collect::<Vec<_>>()));
        }
        reply(404, outcome())
    }
}

/// The app of a topic, registered.
async fn registered(server: impl Fn(&str) -> Reply + Send + Sync + 'static, script: &Arc<Script>) -> App {
    registered_as(topic::<REQUIRED>(), server, script).await
}

async fn registered_as(
    declaration: Declaration,
    server: impl Fn(&str) -> Reply + Send + Sync + 'static,
    script: &Arc<Script>,
) -> App {
    let app = app(Behaviour::Generic, declaration, Some(shared()), front(server), script, &[]);
    register(&app).await;
    app
}

async fn register(app: &App) {
    let head = Head { method: &Method::POST, path: "/register", query: None, headers: &HeaderMap::new() };
    let options = Options::from_query("").unwrap();
    let registered = app.answer(&head, Route::Register { options }, &[], app.deadline(None)).await;
    assert_eq!(registered.answer.status, 200);
}

fn numbered(kind: &str, count: u64, minute: u64) -> Vec<(u64, String, u64)> {
    (1..=count).map(|number| (number, format!("Encounter/{kind}-{number}"), minute + number)).collect()
}

/// 4: a counter of events that restarts between two sweeps, and passes the old number.
#[tokio::test(start_paused = true)]
async fn t04_counter_begins_anew() {
    let events = Events::default();
    let script = script(|_| Do::Ok);
    let app = registered(server(Arc::clone(&events), true, &[]), &script).await;
    *events.lock().unwrap() = numbered("old", 5, 0);
    swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
    assert_eq!(script.ran().len(), 5);
    // The server is restarted, and its counter too, while the program is down.
    *events.lock().unwrap() = numbered("new", 7, 60);
    swept(&app, None, 60).await;
    swept(&app, None, 60).await;
    let ran = script.ran();
    assert_eq!(ran.len(), 7, "lost: {ran:?}");
}

/// The counter has just reached the old number, or has not reached it yet.
#[tokio::test(start_paused = true)]
async fn a_counter_that_begins_anew_and_is_no_further() {
    for count in [5, 3] {
        let events = Events::default();
        let script = script(|_| Do::Ok);
        let found = &[("old-after", 330_000)];
        let app = registered(server(Arc::clone(&events), true, found), &script).await;
        *events.lock().unwrap() = numbered("old", 5, 0);
        swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
        assert_eq!(script.ran().len(), 5);
        *events.lock().unwrap() = numbered("new", count, 60);
        let row = swept(&app, None, 60).await;
        // No number leads to the last event before the restart any more; a search finds it.
        let mut ran = script.ran();
        ran.sort();
        assert_eq!(ran.len() as u64, count + 1, "{ran:?} {row}");
        assert_eq!(ran.last().unwrap(), "Encounter/old-after@1");
        // The next sweep finds the same events again.
        swept(&app, None, 60).await;
        assert!(script.ran().is_empty());
    }
}

/// Without times, the resource of an event shows a restart. A search finds what no number leads to.
#[tokio::test(start_paused = true)]
async fn a_counter_of_events_without_a_time() {
    let events = Events::default();
    let script = script(|_| Do::Ok);
    let found = &[("old-after", 330_000), ("new-1", 600_000)];
    let app = registered(server(Arc::clone(&events), false, found), &script).await;
    *events.lock().unwrap() = numbered("old", 5, 0);
    swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
    script.ran();
    *events.lock().unwrap() = numbered("new", 7, 60);
    let row = swept(&app, None, 60).await;
    let mut ran = script.ran();
    ran.sort();
    let new = (1..=7).map(|number| format!("Encounter/new-{number}@1"));
    assert_eq!(ran, new.chain(["Encounter/old-after@1".to_owned()]).collect::<Vec<_>>(), "{row}");
}

/// Without times, and with the same resource: a search finds it.
#[tokio::test(start_paused = true)]
async fn a_counter_of_events_about_one_resource_without_a_time() {
    let events = Events::default();
    let script = script(|_| Do::Ok);
    let app = registered(server(Arc::clone(&events), false, &[("other", 600_000)]), &script).await;
    let all_of = |first: &str| {
        let focus = |number| {
            if number == 5 { "Encounter/same".to_owned() } else { format!("Encounter/{first}-{number}") }
        };
        (1..=5).map(|number| (number, focus(number), number)).collect::<Vec<_>>()
    };
    *events.lock().unwrap() = all_of("old");
    swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
    script.ran();
    *events.lock().unwrap() = all_of("new");
    let row = swept(&app, None, 60).await;
    assert_eq!(script.ran(), ["Encounter/other@1"], "{row}");
}

/// The counter restarts before the first sweep, or while no event is known: no number leads to what was lost.
#[tokio::test(start_paused = true)]
async fn a_counter_that_begins_anew_before_the_first_sweep() {
    for (count, is_swept_before) in [(2, false), (0, false), (2, true), (0, true)] {
        let events = Events::default();
        let script = script(|_| Do::Ok);
        let found = &[("lost", 60_000)];
        let app = registered(server(Arc::clone(&events), true, found), &script).await;
        if is_swept_before {
            // It finds no event, and what the search shows was handled long ago.
            swept(&app, Some("2026-01-01T00:02:00Z"), 60).await;
            assert!(script.ran().is_empty());
        }
        *events.lock().unwrap() = numbered("new", count, 60);
        let since = if is_swept_before { None } else { Some("2026-01-01T00:00:00Z") };
        let row = swept(&app, since, 60).await;
        let ran = script.ran();
        let is_found = ran.contains(&"Encounter/lost@1".to_owned());
        // The second sweep looks back by the overlap only: from 2026-01-01T00:02:00Z, its beginning.
        assert_eq!((is_found, ran.len() as u64), (!is_swept_before, count + u64::from(is_found)), "{row}");
    }
}

/// The same of a server that cannot be searched: it has all events by their numbers.
#[tokio::test(start_paused = true)]
async fn a_first_sweep_of_a_server_that_refuses_to_search() {
    let events = Events::default();
    let script = script(|_| Do::Ok);
    let app = registered(server(Arc::clone(&events), true, &[]), &script).await;
    for (count, ran) in [(0, 0), (3, 3), (4, 1)] {
        *events.lock().unwrap() = numbered("told", count, 0);
        let row = swept(&app, (count == 0).then_some("2026-01-01T00:00:00Z"), 60).await;
        assert_eq!((&row["result"], &row["left"]), (&json!("swept"), &json!(false)), "{row}");
        assert_eq!(script.ran().len(), ran, "{row}");
    }
}

/// The server lacks an event, and the sweep ends before it can search. The next sweep gets all further events by their
/// numbers, and must still search from where the missing event was.
#[tokio::test(start_paused = true)]
async fn a_search_that_is_owed_begins_before_what_the_numbers_have_settled() {
    static IS_DOWN: AtomicBool = AtomicBool::new(true);
    let events = Events::default();
    let script = script(|_| Do::Ok);
    let server = server(Arc::clone(&events), true, &[("told-3", 180_000)]);
    let server = move |asked: &str| {
        // The server fails at the second fifty, and at the search.
        let is_second = asked.contains("$events") && asked.contains("eventsSinceNumber=51");
        let fails = is_second || asked.contains("_sort=_lastUpdated");
        if fails && IS_DOWN.load(Ordering::SeqCst) { reply(500, outcome()) } else { server(asked) }
    };
    let app = registered(server, &script).await;
    let mut all = numbered("told", 60, 0);
    all.remove(2);
    *events.lock().unwrap() = all;
    let row = swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
    assert_eq!(row["result"], "failed", "{row}");
    IS_DOWN.store(false, Ordering::SeqCst);
    for _ in 0..3 {
        let row = swept(&app, None, 60).await;
        assert_eq!(row["result"], "swept", "{row}");
    }
    let ran = script.ran();
    assert!(ran.iter().any(|ran| ran.starts_with("Encounter/told-3@")), "it is lost: {ran:?}");
}

/// The server lacks an event, and a later page of the search shows its resource, which changed after the search began. This search does
/// not handle the resource, so another search must follow.
#[tokio::test(start_paused = true)]
async fn a_search_stays_owed_if_it_leaves_a_resource_to_the_next_one() {
    let (events, is_later) = (Events::default(), Arc::new(AtomicBool::new(false)));
    let (of_server, later) = (server(Arc::clone(&events), true, &[]), Arc::clone(&is_later));
    let server = move |asked: &str| {
        let (first, second) =
            (encounter("told-2", Some("1"), 60_000), encounter("told-1", Some("1"), 120_500));
        let search = asked.strip_prefix("GET ").filter(|asked| asked.starts_with("Encounter?"));
        let mut answer = match search {
            Some(search) if search.contains("offset=1") => reply(200, bundle([second])),
            Some(_) if later.load(Ordering::SeqCst) => reply(200, bundle([first, second])),
            Some(search) => {
                let mut page = bundle([first]);
                let next = format!("https://fhir.example.org/r4/{search}&offset=1");
                page["link"] = json!([{ "relation": "next", "url": next }]);
                reply(200, page)
            }
            None => of_server(asked),
        };
        answer.date = Some(moment(120_000));
        answer
    };
    let script = script(|_| Do::Ok);
    let app = registered(server, &script).await;
    *events.lock().unwrap() = numbered("told", 3, 0).split_off(1);
    swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
    assert!(!script.ran().contains(&"Encounter/told-1@1".to_owned()));
    is_later.store(true, Ordering::SeqCst);
    let row = swept(&app, None, 60).await;
    assert!(script.ran().contains(&"Encounter/told-1@1".to_owned()), "it is lost: {row}");
}

/// The server answers `$status`, and fails at `$events` for days. A search finds what happened.
#[tokio::test(start_paused = true)]
async fn a_server_that_fails_to_show_events_is_searched() {
    let failures: [fn() -> Reply; 2] =
        [|| reply(500, outcome()), || Reply { delay: Duration::from_secs(3600), ..reply(200, outcome()) }];
    for (failure, is_swept_before) in failures.into_iter().flat_map(|it| [(it, false), (it, true)]) {
        let (events, is_broken) = (Events::default(), Arc::new(AtomicBool::new(false)));
        let (of_server, breaks) =
            (server(Arc::clone(&events), true, &[("lost", 60_000)]), Arc::clone(&is_broken));
        let server = move |asked: &str| {
            let fails = asked.contains("$events") && breaks.load(Ordering::SeqCst);
            if fails { failure() } else { of_server(asked) }
        };
        let script = script(|_| Do::Ok);
        let app = registered(server, &script).await;
        *events.lock().unwrap() = numbered("told", 2, 0);
        let mut since = Some("2026-01-01T00:00:00Z");
        if is_swept_before {
            swept(&app, since.take(), 60).await;
            assert_eq!(script.ran().len(), 3);
            events.lock().unwrap().push((3, "Encounter/told-3".to_owned(), 3));
        }
        is_broken.store(true, Ordering::SeqCst);
        for _ in 0..2 {
            let row = swept(&app, since.take(), 60).await;
            assert_eq!(
                (&row["result"], &row["left"], &row["seen"]),
                (&json!("failed"), &json!(true), &json!(1))
            );
            assert!(row["notes"].to_string().contains("$events"), "{row}");
        }
        let found = if is_swept_before { vec![] } else { vec!["Encounter/lost@1"] };
        assert_eq!(script.ran(), found);
        // The numbers still show each event after that.
        is_broken.store(false, Ordering::SeqCst);
        let row = swept(&app, None, 60).await;
        assert_eq!(row["result"], "swept", "{row}");
        let told = if is_swept_before { vec!["told-3"] } else { vec!["told-1", "told-2"] };
        let told: Vec<_> = told.into_iter().map(|id| format!("Encounter/{id}@1")).collect();
        assert_eq!(script.ran(), told, "{row}");
    }
}

/// The server lacks an event, a search finds its resource, and the handler fails. The next sweep gets all events by their
/// numbers, and must still search.
#[tokio::test(start_paused = true)]
async fn a_search_is_owed_until_what_it_found_is_settled() {
    static FAILS: AtomicBool = AtomicBool::new(true);
    let events = Events::default();
    let script = script(|event| {
        let is_it = event.focus() == Some("Encounter/told-3");
        if is_it && FAILS.load(Ordering::SeqCst) { Do::Fail } else { Do::Ok }
    });
    let app = registered(server(Arc::clone(&events), true, &[("told-3", 180_000)]), &script).await;
    let mut all = numbered("told", 5, 0);
    all.remove(2);
    *events.lock().unwrap() = all;
    let row = swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
    assert_eq!((&row["result"], &row["failed"]), (&json!("swept"), &json!(1)), "{row}");
    FAILS.store(false, Ordering::SeqCst);
    let row = swept(&app, None, 60).await;
    assert_eq!((&row["failed"], &row["handled"]), (&json!(0), &json!(1)), "{row}");
    script.ran();
    let row = swept(&app, None, 60).await;
    assert!(script.ran().is_empty() && row["failed"] == 0, "{row}");
}

/// The server's clock was put back for good, to before the Subscription was created. A new number still is a new event.
#[tokio::test(start_paused = true)]
async fn an_event_of_a_clock_that_was_put_back_is_found_by_its_number() {
    for is_empty_before in [false, true] {
        let events = Events::default();
        let script = script(|_| Do::Ok);
        let app = registered(server(Arc::clone(&events), true, &[]), &script).await;
        *events.lock().unwrap() = numbered("told", if is_empty_before { 0 } else { 3 }, 60);
        swept(&app, Some("2026-01-01T01:00:00Z"), 60).await;
        script.ran();
        let number = events.lock().unwrap().len() as u64 + 1;
        events.lock().unwrap().push((number, "Encounter/late".to_owned(), 5));
        let row = swept(&app, None, 60).await;
        assert_eq!(script.ran(), ["Encounter/late@1"], "{row}");
    }
}

/// The server lacks the event of a deletion, the history shows the deletion, and the handler fails. The next sweep must
/// read the history again.
#[tokio::test(start_paused = true)]
async fn a_deletion_without_a_number_is_looked_for_until_it_is_settled() {
    for interactions in [
        Interactions { create: true, update: true, delete: true },
        Interactions { create: false, update: false, delete: true },
    ] {
        let fails = Arc::new(AtomicBool::new(true));
        let of_handler = Arc::clone(&fails);
        let script = script(move |event| {
            let is_it = event.focus() == Some("Encounter/told-3");
            if is_it && of_handler.load(Ordering::SeqCst) { Do::Fail } else { Do::Ok }
        });
        let events = Events::default();
        let server = server(Arc::clone(&events), true, &[("told-1", 60_000)]);
        let server = move |asked: &str| match asked {
            "GET Encounter/told-3" => reply(410, outcome()),
            _ if asked.starts_with("GET Encounter/_history?") => {
                let entry = json!({
                    "request": { "method": "DELETE", "url": "Encounter/told-3" },
                    "response": { "status": "204", "etag": "W/\"2\"", "lastModified": at(180_000) },
                });
                reply(200, json!({ "resourceType": "Bundle", "type": "history", "entry": [entry] }))
            }
            _ => server(asked),
        };
        let app = registered_as(Declaration { interactions, ..topic::<UNUSED>() }, server, &script).await;
        let mut all = numbered("told", 5, 0);
        all.remove(2);
        *events.lock().unwrap() = all;
        let row = swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
        assert_eq!((&row["result"], &row["failed"]), (&json!("swept"), &json!(1)), "{row}");
        fails.store(false, Ordering::SeqCst);
        script.ran();
        let row = swept(&app, None, 60).await;
        let ran = script.ran();
        assert!(ran.iter().any(|ran| ran.starts_with("Encounter/told-3@")), "it is lost: {ran:?}, {row}");
    }
}

/// The server lags behind: it lists an event before a read finds the new resource.
#[tokio::test(start_paused = true)]
async fn a_resource_that_is_not_there_yet_is_not_taken_for_deleted() {
    let (events, is_late) = (Events::default(), Arc::new(AtomicBool::new(true)));
    let (of_server, lags) = (server(Arc::clone(&events), true, &[("other", 0)]), Arc::clone(&is_late));
    let server = move |asked: &str| {
        let is_missed = asked == "GET Encounter/1" && lags.load(Ordering::SeqCst);
        let mut reply = if is_missed { reply(404, outcome()) } else { of_server(asked) };
        reply.date = Some(moment(120_000));
        reply
    };
    let script = script(|_| Do::Ok);
    let app = registered(server, &script).await;
    swept(&app, None, 60).await;
    events.lock().unwrap().push((1, "Encounter/1".to_owned(), 2));
    let row = swept(&app, None, 60).await;
    assert_eq!((script.ran().len(), &row["left"]), (0, &json!(true)), "{row}");
    is_late.store(false, Ordering::SeqCst);
    let row = swept(&app, None, 60).await;
    assert_eq!(script.ran(), ["Encounter/1@1"], "{row}");
}

/// The server lacks an event, and its index shows the resource only after the first search. Sweeps search until the overlap has
/// passed.
#[tokio::test(start_paused = true)]
async fn an_event_that_the_server_lacks_is_found_by_an_index_that_lags() {
    let minute = Arc::new(AtomicU64::new(4));
    let here = {
        let minute = Arc::clone(&minute);
        move || moment(minute.load(Ordering::SeqCst) * 60_000)
    };
    let (events, searches) = (Events::default(), Arc::new(AtomicU64::new(0)));
    let (of_server, counted, now) =
        (server(Arc::clone(&events), true, &[("told-3", 180_000)]), Arc::clone(&searches), here.clone());
    let server = move |asked: &str| {
        let is_search = asked.starts_with("GET Encounter?");
        counted.fetch_add(u64::from(is_search), Ordering::SeqCst);
        let is_indexed = now() > moment(240_000);
        let reply = if is_search && !is_indexed { reply(200, bundle([])) } else { of_server(asked) };
        Reply { date: Some(now()), ..reply }
    };
    let script = script(|_| Do::Ok);
    let (declaration, store) = (topic::<REQUIRED>(), Some(shared()));
    let app = app_at(here, Behaviour::Generic, declaration, store, front(server), &script, &[]);
    register(&app).await;
    let mut all = numbered("told", 5, 0);
    all.remove(2);
    *events.lock().unwrap() = all;
    let row = swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
    assert!(!script.ran().contains(&"Encounter/told-3@1".to_owned()), "{row}");

    for (at, ran, searched) in [(5, 1, 1), (6, 0, 1), (7, 0, 1), (8, 0, 0)] {
        minute.store(at, Ordering::SeqCst);
        searches.store(0, Ordering::SeqCst);
        let row = swept(&app, None, 60).await;
        let ran_now = script.ran();
        assert_eq!(ran_now.iter().filter(|ran| *ran == "Encounter/told-3@1").count(), ran, "{at}: {row}");
        assert_eq!(searches.load(Ordering::SeqCst), searched, "{at}: {row}");
    }
}

/// A topic that no search finds the resources of: neither a filter nor the handler names a type.
fn unsearchable<const USE: u8>() -> Declaration {
    let declaration = topic::<USE>();
    let Trigger::Topic(searchable) = declaration.trigger else { unreachable!("it is a topic") };
    Declaration { trigger: Trigger::Topic(Topic { filters: &[], ..searchable }), ..declaration }
}

/// The numbers that `$events` was asked from, since the last call.
type AskedFrom = Arc<Mutex<Vec<String>>>;

fn taken(asked_from: &AskedFrom) -> Vec<String> {
    std::mem::take(&mut *asked_from.lock().unwrap())
}

/// Nothing but the numbers finds its events. A server without `$status` has no numbers, but a server that fails may have some.
#[tokio::test(start_paused = true)]
async fn a_topic_that_cannot_be_searched_fails_if_the_server_fails_to_count() {
    for (status, result) in [(500, "failed"), (403, "failed"), (404, "cannot-be-swept")] {
        let events = Events::default();
        let of_server = server(Arc::clone(&events), true, &[]);
        let server = move |asked: &str| {
            if asked.contains("$status") { reply(status, outcome()) } else { of_server(asked) }
        };
        let script = script(|_| Do::Ok);
        let app = registered_as(unsearchable::<REQUIRED>(), server, &script).await;
        *events.lock().unwrap() = numbered("told", 2, 0);
        let row = swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
        assert_eq!(row["result"], result, "{row}");
        assert!(script.ran().is_empty(), "{row}");
    }
}

/// The same if the server fails to show the Subscription, whose numbers an earlier sweep has read.
#[tokio::test(start_paused = true)]
async fn a_topic_that_cannot_be_searched_fails_if_its_subscription_is_not_found() {
    let (events, is_down) = (Events::default(), Arc::new(AtomicBool::new(false)));
    let (of_server, fails) = (server(Arc::clone(&events), true, &[]), Arc::clone(&is_down));
    let server = move |asked: &str| {
        let is_subscription = asked.starts_with("GET Subscription") && !asked.contains('$');
        if is_subscription && fails.load(Ordering::SeqCst) { reply(500, outcome()) } else { of_server(asked) }
    };
    let script = script(|_| Do::Ok);
    let app = registered_as(unsearchable::<REQUIRED>(), server, &script).await;
    *events.lock().unwrap() = numbered("told", 2, 0);
    let row = swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
    assert_eq!((&row["result"], script.ran().len()), (&json!("swept"), 2), "{row}");
    assert!(row["watermark"].is_string(), "{row}");
    events.lock().unwrap().push((3, "Encounter/told-3".to_owned(), 3));
    is_down.store(true, Ordering::SeqCst);
    let row = swept(&app, None, 60).await;
    assert_eq!((&row["result"], &row["left"]), (&json!("failed"), &json!(true)), "{row}");
    is_down.store(false, Ordering::SeqCst);
    let row = swept(&app, None, 60).await;
    assert_eq!(script.ran(), ["Encounter/told-3@1"], "{row}");
}

/// No handler can run on it, now or later.
#[tokio::test(start_paused = true)]
async fn an_event_whose_id_fhir_does_not_allow_does_not_hold_the_number() {
    let (events, asked_from) = (Events::default(), AskedFrom::default());
    let (of_server, kept) = (server(Arc::clone(&events), true, &[]), Arc::clone(&asked_from));
    let server = move |asked: &str| {
        if asked.contains("$events") {
            kept.lock().unwrap().push(parameter(asked, "eventsSinceNumber").unwrap());
        }
        of_server(asked)
    };
    let script = script(|_| Do::Ok);
    let app = registered_as(unsearchable::<REQUIRED>(), server, &script).await;
    *events.lock().unwrap() = numbered("told", 3, 0);
    events.lock().unwrap()[1].1 = "Encounter/told_2".to_owned();
    let row = swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
    assert_eq!((&row["failed"], &row["left"]), (&json!(0), &json!(false)), "{row}");
    assert!(row["notes"].to_string().contains("1 of what the server shows has no id"), "{row}");
    assert_eq!(script.ran(), ["Encounter/told-1@1", "Encounter/told-3@1"], "{row}");

    taken(&asked_from);
    events.lock().unwrap().push((4, "Encounter/told-4".to_owned(), 4));
    let row = swept(&app, None, 60).await;
    assert_eq!(script.ran(), ["Encounter/told-4@1"], "{row}");
    // From the last one, to see whether the server still counts on, and from the new one.
    assert_eq!(taken(&asked_from), ["3", "4"], "{row}");
    assert!(!row["notes"].to_string().contains("has no id"), "{row}");
}

/// The server reports a deletion, and the resource exists again. No later sweep could confirm the deletion.
#[tokio::test(start_paused = true)]
async fn a_deletion_of_what_exists_again_does_not_hold_the_number() {
    let (events, asked_from) = (Events::default(), AskedFrom::default());
    let (of_server, kept) = (server(Arc::clone(&events), true, &[]), Arc::clone(&asked_from));
    let server = move |asked: &str| {
        let path = asked.split(['?', ' ']).nth(1);
        if matches!(path, Some("Encounter/told-1" | "Encounter/told-3")) {
            return reply(410, outcome());
        }
        let mut answer = of_server(asked);
        if asked.contains("$events") {
            kept.lock().unwrap().push(parameter(asked, "eventsSinceNumber").unwrap());
            let deleted = |event: &Value| {
                let reference = event["focus"]["reference"].as_str().unwrap();
                json!({ "fullUrl": format!("https://fhir.example.org/r4/{reference}"),
                    "request": { "method": "DELETE", "url": reference } })
            };
            let told = answer.body["entry"][0]["resource"]["notificationEvent"].as_array().unwrap();
            let told: Vec<_> = told.iter().map(deleted).collect();
            answer.body["entry"].as_array_mut().unwrap().extend(told);
        }
        answer
    };
    let script = script(|_| Do::Ok);
    let interactions = Interactions { create: false, update: false, delete: true };
    let declaration = Declaration { interactions, trust: Trust::Reference, ..unsearchable::<UNUSED>() };
    let app = registered_as(declaration, server, &script).await;
    *events.lock().unwrap() = numbered("told", 3, 0);
    let row = swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
    let ran = script.ran();
    assert_eq!((&row["handled"], &row["failed"]), (&json!(2), &json!(0)), "{row}");
    assert!(!ran.iter().any(|ran| ran.starts_with("Encounter/told-2@")), "{ran:?}");

    taken(&asked_from);
    events.lock().unwrap().push((4, "Encounter/told-4".to_owned(), 4));
    let row = swept(&app, None, 60).await;
    assert_eq!((script.ran().len(), &row["failed"], &row["left"]), (0, &json!(0), &json!(false)), "{row}");
    assert_eq!(taken(&asked_from), ["3", "4"], "{row}");
}

/// `$events` fails once, and the server refuses a search. The numbers find the events in the next sweep, which needs no search.
#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_be_searched_and_fails_once_is_swept_again() {
    for is_swept_before in [true, false] {
        let (events, is_broken) = (Events::default(), Arc::new(AtomicBool::new(false)));
        let (of_server, breaks) = (server(Arc::clone(&events), true, &[]), Arc::clone(&is_broken));
        let server = move |asked: &str| {
            let fails = asked.contains("$events") && breaks.load(Ordering::SeqCst);
            if fails { reply(500, outcome()) } else { of_server(asked) }
        };
        let script = script(|_| Do::Ok);
        let app = registered(server, &script).await;
        *events.lock().unwrap() = numbered("told", 2, 0);
        let mut since = Some("2026-01-01T00:00:00Z");
        if is_swept_before {
            swept(&app, since.take(), 60).await;
            events.lock().unwrap().push((3, "Encounter/told-3".to_owned(), 3));
            script.ran();
        }
        is_broken.store(true, Ordering::SeqCst);
        let row = swept(&app, since.take(), 60).await;
        assert_eq!((&row["result"], script.ran().len()), (&json!("failed"), 0), "{row}");
        is_broken.store(false, Ordering::SeqCst);
        for found in [if is_swept_before { 1 } else { 2 }, 0] {
            let row = swept(&app, None, 60).await;
            assert_eq!((&row["result"], &row["left"]), (&json!("swept"), &json!(false)), "{row}");
            assert_eq!(script.ran().len(), found, "{row}");
        }
    }
}

/// The server forbids one event's resource, and each sweep has time for a part of the events. Those behind do not wait for it.
#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_read_does_not_keep_those_behind_it_waiting() {
    let (events, asked_from) = (Events::default(), AskedFrom::default());
    let is_forbidden = Arc::new(AtomicBool::new(true));
    let (of_server, kept, forbids) =
        (server(Arc::clone(&events), true, &[]), Arc::clone(&asked_from), Arc::clone(&is_forbidden));
    let server = move |asked: &str| {
        if asked == "GET Encounter/told-1" && forbids.load(Ordering::SeqCst) {
            return reply(403, outcome());
        }
        let mut answer = of_server(asked);
        if asked.contains("$events") {
            kept.lock().unwrap().push(parameter(asked, "eventsSinceNumber").unwrap());
            answer.delay = Duration::from_secs(2);
        }
        answer
    };
    let script = script(|_| Do::Ok);
    let app = registered_as(unsearchable::<REQUIRED>(), server, &script).await;
    *events.lock().unwrap() = numbered("told", 1000, 0);
    let row = swept(&app, Some("2026-01-01T00:00:00Z"), 30).await;
    let of_first = script.ran().len();
    assert!((100..900).contains(&of_first), "{of_first} {row}");
    for _ in 0..3 {
        swept(&app, None, 30).await;
    }
    assert_eq!(script.ran().len(), 999 - of_first);

    is_forbidden.store(false, Ordering::SeqCst);
    for _ in 0..3 {
        swept(&app, None, 30).await;
    }
    assert_eq!(script.ran(), ["Encounter/told-1@1"]);
    for _ in 0..3 {
        taken(&asked_from);
        let row = swept(&app, None, 30).await;
        assert_eq!((&row["result"], &row["left"]), (&json!("swept"), &json!(false)), "{row}");
    }
    assert_eq!(taken(&asked_from), ["1000"]);
}

/// Neither a notification nor `$events` names the resource, so a search would find what was handled by its number.
#[tokio::test(start_paused = true)]
async fn a_topic_without_content_is_not_searched() {
    for tells_time in [true, false] {
        let (events, script) = (Events::default(), script(|_| Do::Ok));
        let of_server = server(Arc::clone(&events), tells_time, &[("told-1", 1), ("told-2", 2)]);
        let nameless = |mut status: Value| {
            for event in status["notificationEvent"].as_array_mut().unwrap() {
                event.as_object_mut().unwrap().remove("focus");
            }
            status
        };
        let server = move |asked: &str| {
            let mut answer = of_server(asked);
            if asked.contains("$events") {
                let status = answer.body["entry"][0]["resource"].take();
                answer.body["entry"][0]["resource"] = nameless(status);
            }
            answer
        };
        let declaration = Declaration { content: Content::Empty, ..topic::<UNUSED>() };
        let app = registered_as(declaration, server, &script).await;
        *events.lock().unwrap() = numbered("told", 1, 0);
        let mut event = json!({ "eventNumber": "1" });
        if tells_time {
            event["timestamp"] = json!(at(60_000));
        }
        let status = json!({
            "resourceType": "SubscriptionStatus", "type": "event-notification",
            "subscription": { "reference": "Subscription/s1" },
            "eventsSinceSubscriptionStart": "1", "notificationEvent": [event],
        });
        let told = json!({
            "resourceType": "Bundle", "type": "subscription-notification", "entry": [{ "resource": status }],
        });
        assert_eq!(post(&app, told).await.0, 204);
        swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
        // Without a time, nothing tells whether the notification and the sweep report the same event.
        assert_eq!(script.ran().len(), if tells_time { 1 } else { 2 });
        events.lock().unwrap().push((2, "Encounter/told-2".to_owned(), 2));
        for _ in 0..3 {
            swept(&app, None, 60).await;
        }
        assert_eq!(script.ran().len(), 1, "{tells_time}");
    }
}

/// `$events` shows an event only after the sweep that asked for it, and nothing else finds it.
#[tokio::test(start_paused = true)]
async fn an_event_that_comes_late_is_waited_for_if_nothing_else_finds_it() {
    let (events, later) = (Events::default(), Arc::new(AtomicU64::new(0)));
    let (script, clock) = (script(|_| Do::Ok), Arc::clone(&later));
    let clock = move || here() + Duration::from_secs(clock.load(Ordering::SeqCst));
    let of_server = server(Arc::clone(&events), true, &[]);
    let front = front(move |asked| {
        let mut answer = of_server(asked);
        // The server has counted all of them.
        if asked.contains("$status") && answer.body["eventsSinceSubscriptionStart"] != "0" {
            answer.body["eventsSinceSubscriptionStart"] = json!("10");
        }
        answer
    });
    let app =
        app_at(clock, Behaviour::Generic, unsearchable::<REQUIRED>(), Some(shared()), front, &script, &[]);
    register(&app).await;
    let all = numbered("told", 10, 0);
    *events.lock().unwrap() = all.iter().filter(|event| ![3, 9].contains(&event.0)).cloned().collect();
    let row = swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
    assert_eq!((script.ran().len(), &row["left"]), (8, &json!(true)), "{row}");
    // The server never shows the third.
    *events.lock().unwrap() = all.iter().filter(|event| event.0 != 3).cloned().collect();
    swept(&app, None, 60).await;
    assert_eq!(script.ran(), ["Encounter/told-9@1"]);
    later.fetch_add(3600, Ordering::SeqCst);
    let row = swept(&app, None, 60).await;
    assert_eq!((script.ran().len(), &row["left"]), (0, &json!(false)), "{row}");
    let row = swept(&app, None, 60).await;
    assert_eq!((&row["result"], &row["seen"]), (&json!("swept"), &json!(0)), "{row}");
}

/// The server always shows its newest event late. Each one is waited for, however long sweeps have waited for others.
#[tokio::test(start_paused = true)]
async fn each_event_that_comes_late_is_waited_for() {
    let (events, later) = (Events::default(), Arc::new(AtomicU64::new(0)));
    let (counted, script) = (Arc::new(AtomicU64::new(0)), script(|_| Do::Ok));
    let clock = Arc::clone(&later);
    let clock = move || here() + Duration::from_secs(clock.load(Ordering::SeqCst));
    let (of_server, counts) = (server(Arc::clone(&events), true, &[]), Arc::clone(&counted));
    let front = front(move |asked| {
        let mut answer = of_server(asked);
        if asked.contains("$status") {
            answer.body["eventsSinceSubscriptionStart"] = json!(counts.load(Ordering::SeqCst).to_string());
        }
        answer
    });
    let app =
        app_at(clock, Behaviour::Generic, unsearchable::<REQUIRED>(), Some(shared()), front, &script, &[]);
    register(&app).await;
    let mut since = Some("2026-01-01T00:00:00Z");
    for round in 1..=5 {
        counted.store(2 * round, Ordering::SeqCst);
        *events.lock().unwrap() = numbered("told", 2 * round - 1, 0);
        let row = swept(&app, since.take(), 60).await;
        assert_eq!((&row["result"], &row["left"]), (&json!("swept"), &json!(true)), "{row}");
        later.fetch_add(300, Ordering::SeqCst);
    }
    *events.lock().unwrap() = numbered("told", 10, 0);
    swept(&app, None, 60).await;
    assert_eq!(script.ran().len(), 10);
}

/// A replica that lags behind shows the version before. That one is handled, and the event's own version is not.
#[tokio::test(start_paused = true)]
async fn an_event_whose_resource_is_read_from_a_late_replica_is_read_again() {
    let latest = || Declaration { order: Order::Latest, ..unsearchable::<REQUIRED>() };
    for declaration in [unsearchable::<REQUIRED>(), unsearchable::<UNUSED>(), latest()] {
        is_read_again(declaration).await;
    }
}

async fn is_read_again(declaration: Declaration) {
    let (events, is_late) = (Events::default(), Arc::new(AtomicBool::new(true)));
    let (of_server, lags) = (server(Arc::clone(&events), true, &[]), Arc::clone(&is_late));
    let later = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&later);
    let clock = move || moment(0) + Duration::from_secs(clock.load(Ordering::SeqCst));
    let server = move |asked: &str| {
        let version = if lags.load(Ordering::SeqCst) { "1" } else { "2" };
        match asked {
            "GET Encounter/1" => reply(200, encounter("1", Some(version), 60_000)),
            _ => of_server(asked),
        }
    };
    let script = script(|_| Do::Ok);
    let (behaviour, store) = (Behaviour::Generic, Some(shared()));
    let app = app_at(clock, behaviour, declaration, store, front(server), &script, &[]);
    register(&app).await;
    later.store(70, Ordering::SeqCst);
    events.lock().unwrap().push((1, "Encounter/1".to_owned(), 1));
    swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
    assert_eq!(script.ran(), ["Encounter/1@1"]);
    later.store(130, Ordering::SeqCst);
    events.lock().unwrap().push((2, "Encounter/1".to_owned(), 2));
    let row = swept(&app, None, 60).await;
    assert!(script.ran().is_empty(), "{row}");
    is_late.store(false, Ordering::SeqCst);
    later.store(190, Ordering::SeqCst);
    let row = swept(&app, None, 60).await;
    assert_eq!(script.ran(), ["Encounter/1@2"], "{row}");
    // Once the event is older than the overlap, nothing is asked again.
    for seconds in [490, 790] {
        later.store(seconds, Ordering::SeqCst);
        let row = swept(&app, None, 60).await;
        assert_eq!((script.ran().len(), &row["seen"], &row["left"]), (0, &json!(0), &json!(false)), "{row}");
    }
}

/// The counter goes on, and the server refuses what it allowed: what nobody can find any more is no reason to be content.
#[tokio::test(start_paused = true)]
async fn a_topic_whose_events_are_refused_later_is_behind() {
    // The first event may have been held.
    for (told, is_held) in [(2, false), (1, true)] {
        let (events, is_closed) = (Events::default(), Arc::new(AtomicBool::new(false)));
        let server = closing(Arc::clone(&events), Arc::clone(&is_closed));
        let script = script(move |_| if is_held { Do::Fail } else { Do::Ok });
        let app = registered_as(unsearchable::<REQUIRED>(), server, &script).await;
        *events.lock().unwrap() = numbered("told", told, 0);
        swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
        assert_eq!(script.ran().len() as u64, told);
        events.lock().unwrap().push((told + 1, "Encounter/more".to_owned(), 3));
        is_closed.store(true, Ordering::SeqCst);
        // A sweep from an earlier moment forgets the number, and not that there was one.
        for since in [None, Some("2026-01-01T00:00:00Z"), None] {
            let row = swept(&app, since, 60).await;
            assert_eq!(
                (&row["result"], &row["left"]),
                (&json!("cannot-be-swept"), &json!(true)),
                "{told} {since:?} {row}"
            );
        }
    }
}

/// The server has never returned an event, so a sweep with `since` has lost nothing.
#[tokio::test(start_paused = true)]
async fn a_topic_whose_events_were_always_refused_is_not_behind() {
    let (events, is_closed) = (Events::default(), Arc::new(AtomicBool::new(true)));
    let server = closing(Arc::clone(&events), is_closed);
    let script = script(|_| Do::Ok);
    let app = registered_as(unsearchable::<REQUIRED>(), server, &script).await;
    swept(&app, None, 60).await;
    events.lock().unwrap().push((1, "Encounter/1".to_owned(), 1));
    for since in [None, Some("2026-01-01T00:00:00Z"), None] {
        let row = swept(&app, since, 60).await;
        assert_eq!(
            (&row["result"], &row["left"]),
            (&json!("cannot-be-swept"), &json!(false)),
            "{since:?} {row}"
        );
    }
}

/// A server that refuses to return events while `is_closed`.
fn closing(events: Events, is_closed: Arc<AtomicBool>) -> impl Fn(&str) -> Reply + Send + Sync {
    let of_server = server(events, true, &[]);
    move |asked: &str| {
        let is_refused = asked.contains("$events") && is_closed.load(Ordering::SeqCst);
        if is_refused { reply(403, outcome()) } else { of_server(asked) }
    }
}

/// No search is possible, a sweep waits for an event, and the server's clock was put back before the event.
#[tokio::test(start_paused = true)]
async fn an_event_that_is_waited_for_may_be_older_than_the_first_sweep() {
    // An operator may sweep from that moment again.
    for since in [None, Some("2026-01-01T01:00:00Z")] {
        let (events, counted) = (Events::default(), Arc::new(AtomicU64::new(3)));
        let (of_server, counts) = (server(Arc::clone(&events), true, &[]), Arc::clone(&counted));
        let server = move |asked: &str| {
            let mut answer = of_server(asked);
            if asked.contains("$status") {
                let count = counts.load(Ordering::SeqCst).to_string();
                answer.body["eventsSinceSubscriptionStart"] = json!(count);
            }
            answer
        };
        let script = script(|_| Do::Ok);
        let app = registered_as(unsearchable::<REQUIRED>(), server, &script).await;
        // One of the first is from before.
        *events.lock().unwrap() = numbered("told", 3, 60);
        events.lock().unwrap()[1].2 = 5;
        swept(&app, Some("2026-01-01T01:00:00Z"), 60).await;
        assert_eq!(script.ran(), ["Encounter/told-1@1", "Encounter/told-3@1"]);
        counted.store(4, Ordering::SeqCst);
        let row = swept(&app, None, 60).await;
        assert_eq!((script.ran().len(), &row["left"]), (0, &json!(true)), "{row}");
        events.lock().unwrap().push((4, "Encounter/late".to_owned(), 5));
        let row = swept(&app, since, 60).await;
        assert_eq!(script.ran(), ["Encounter/late@1"], "{since:?} {row}");
    }
}

/// The event names its resource by an identifier, and the handler needs the resource. A search may find it. Without one, no sweep
/// can ever read it.
#[tokio::test(start_paused = true)]
async fn an_event_that_leads_to_no_resource_does_not_hold_the_number() {
    let identifier = json!({ "identifier": { "system": "https://example.org/visits", "value": "7" } });
    let contained = json!({ "reference": "#contained" });
    let all = [(&identifier, false), (&contained, false), (&identifier, true), (&contained, true)];
    for (of_event, is_searchable) in all {
        let (events, of_event) = (Events::default(), of_event.clone());
        let of_server =
            server(Arc::clone(&events), true, if is_searchable { &[("told-2", 120_000)] } else { &[] });
        let server = move |asked: &str| {
            let mut answer = of_server(asked);
            let second = answer.body.pointer_mut("/entry/0/resource/notificationEvent");
            for event in second.and_then(Value::as_array_mut).into_iter().flatten() {
                if event["eventNumber"] == "2" {
                    event["focus"] = of_event.clone();
                }
            }
            answer
        };
        if is_searchable {
            let script = script(|_| Do::Ok);
            let app = registered(server, &script).await;
            *events.lock().unwrap() = numbered("told", 3, 0);
            let row = swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
            let mut ran = script.ran();
            ran.sort();
            assert_eq!(ran, ["Encounter/told-1@1", "Encounter/told-2@1", "Encounter/told-3@1"], "{row}");
            continue;
        }
        let script = script(|_| Do::Ok);
        let app = registered_as(unsearchable::<REQUIRED>(), server, &script).await;
        *events.lock().unwrap() = numbered("told", 3, 0);
        let row = swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
        assert_eq!((&row["failed"], &row["left"]), (&json!(0), &json!(false)), "{row}");
        assert!(row["notes"].to_string().contains("1 of what the server shows"), "{row}");
        assert_eq!(script.ran(), ["Encounter/told-1@1", "Encounter/told-3@1"], "{row}");
        let row = swept(&app, None, 60).await;
        assert!(
            script.ran().is_empty() && !row["notes"].to_string().contains("of what the server shows"),
            "{row}"
        );
    }
}
