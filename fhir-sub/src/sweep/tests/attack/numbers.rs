//! Counters that begin anew.

use std::sync::{Arc, Mutex};

use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::app::App;
use crate::promises::kit::{
    Do, REQUIRED, Reply, Script, app, at, bundle, encounter, front, outcome, page, parameter, reply, script,
    shared, swept, topic,
};
use crate::registration::Options;
use crate::request::Head;
use crate::sandbox::Behaviour;
use crate::service::Route;

/// Of each event: its number, what it is about, and the minute at which it happened.
type Events = Arc<Mutex<Vec<(u64, String, u64)>>>;

/// A server that has these events, and says when they happened, or does not. What is searched for is in `found`.
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
            let row = |(id, time): &(&str, u64)| ((*id).to_owned(), "1".to_owned(), *time);
            return reply(200, page(asked, &found.iter().map(row).collect::<Vec<_>>()));
        }
        reply(404, outcome())
    }
}

/// The app of a topic, registered.
async fn registered(server: impl Fn(&str) -> Reply + Send + Sync + 'static, script: &Arc<Script>) -> App {
    let app = app(Behaviour::Generic, topic::<REQUIRED>(), Some(shared()), front(server), script, &[]);
    let head = Head { method: &Method::POST, path: "/register", query: None, headers: &HeaderMap::new() };
    let options = Options::from_query("").unwrap();
    let registered = app.answer(&head, Route::Register { options }, &[], app.deadline(None)).await;
    assert_eq!(registered.answer.status, 200);
    app
}

fn numbered(kind: &str, count: u64, minute: u64) -> Vec<(u64, String, u64)> {
    (1..=count).map(|number| (number, format!("Encounter/{kind}-{number}"), minute + number)).collect()
}

/// 4: a counter of events that begins anew between two sweeps, and passes where it was.
#[tokio::test(start_paused = true)]
async fn t04_counter_begins_anew() {
    let events = Events::default();
    let script = script(|_| Do::Ok);
    let app = registered(server(Arc::clone(&events), true, &[]), &script).await;
    *events.lock().unwrap() = numbered("old", 5, 0);
    swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
    assert_eq!(script.ran().len(), 5);
    // The server is restarted, and counts anew; the program is down meanwhile.
    *events.lock().unwrap() = numbered("new", 7, 60);
    swept(&app, None, 60).await;
    swept(&app, None, 60).await;
    let ran = script.ran();
    assert_eq!(ran.len(), 7, "lost: {ran:?}");
}

/// It has just come to where it was; or has not yet.
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
        // Of the last event before the restart, no number tells any more; a search finds it.
        let mut ran = script.ran();
        ran.sort();
        assert_eq!(ran.len() as u64, count + 1, "{ran:?} {row}");
        assert_eq!(ran.last().unwrap(), "Encounter/old-after@1");
        // And then all is said again.
        swept(&app, None, 60).await;
        assert!(script.ran().is_empty());
    }
}

/// Without the times of events, what they are about tells one epoch from another; a search finds what no number tells of.
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

/// Without the times, and about the same resource: a search tells.
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
