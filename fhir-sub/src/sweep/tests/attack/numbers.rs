//! Counters that begin anew.

use std::sync::{Arc, Mutex};

use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::kit::{
    Do, REQUIRED, app, at, bundle, encounter, front, outcome, parameter, reply, script, shared, swept, topic,
};
use crate::registration::Options;
use crate::request::Head;
use crate::sandbox::Behaviour;
use crate::service::Route;

/// 4: a counter of events that begins anew between two sweeps, and passes where it was.
#[tokio::test(start_paused = true)]
async fn t04_counter_begins_anew() {
    let subscription: Arc<Mutex<Option<Value>>> = Arc::default();
    // Of each event: its number, what it is about, and the minute at which it happened.
    let events: Arc<Mutex<Vec<(u64, String, u64)>>> = Arc::default();
    let script = script(|_| Do::Ok);
    let (of_server, of_events) = (Arc::clone(&subscription), Arc::clone(&events));
    let server = front(move |asked| {
        if let Some(body) = asked.strip_prefix("POST Subscription ") {
            let mut written: Value = serde_json::from_str(body).unwrap();
            written["id"] = json!("s1");
            written["status"] = json!("active");
            written["meta"]["versionId"] = json!("1");
            *of_server.lock().unwrap() = Some(written.clone());
            return reply(201, written);
        }
        let events = of_events.lock().unwrap().clone();
        let status = |kind: &str, events: &[(u64, String, u64)], count: usize| {
            let event = |(number, focus, minute): &(u64, String, u64)| {
                json!({
                    "eventNumber": number.to_string(), "timestamp": at(minute * 60_000),
                    "focus": { "reference": focus },
                })
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
            return reply(200, of_server.lock().unwrap().clone().unwrap());
        }
        if asked.starts_with("GET Subscription?") {
            return reply(200, bundle(of_server.lock().unwrap().clone()));
        }
        if let Some(id) = asked.strip_prefix("GET Encounter/").filter(|id| !id.contains('/')) {
            return reply(200, encounter(id, Some("1"), 1000));
        }
        reply(404, outcome())
    });
    let app = app(Behaviour::Generic, topic::<REQUIRED>(), Some(shared()), server, &script, &[]);
    let head = Head { method: &Method::POST, path: "/register", query: None, headers: &HeaderMap::new() };
    let options = Options::from_query("").unwrap();
    let registered = app.answer(&head, Route::Register { options }, &[], app.deadline(None)).await;
    assert_eq!(registered.answer.status, 200);

    *events.lock().unwrap() =
        (1..=5).map(|number| (number, format!("Encounter/old-{number}"), number)).collect();
    swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
    assert_eq!(script.ran().len(), 5);
    // The server is restarted, and counts anew; the program is down meanwhile.
    *events.lock().unwrap() =
        (1..=7).map(|number| (number, format!("Encounter/new-{number}"), 60 + number)).collect();
    swept(&app, None, 60).await;
    swept(&app, None, 60).await;
    let ran = script.ran();
    assert_eq!(ran.len(), 7, "lost: {ran:?}");
}
