//! A version of a resource is one event, whatever reports it. If a report does not say the version, the
//! server is asked for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use http::Method;
use serde_json::{Value, json};

use super::kit::*;
use crate::declaration::Declaration;
use crate::interaction::Interactions;
use crate::sandbox::Behaviour;
use crate::store::StoreBackend;

/// The ways to report version 2 of an encounter.
#[derive(Clone, Copy, Debug)]
enum Told {
    ByVersion,
    WithoutVersion,
    ByReference,
    ByNumber,
    BySearch,
}

impl Told {
    const ALL: [Self; 5] =
        [Self::ByVersion, Self::WithoutVersion, Self::ByReference, Self::ByNumber, Self::BySearch];

    async fn tell<const USE: u8>(self, store: &Arc<dyn StoreBackend>, script: &Arc<Script>) -> u16 {
        let server = front(|asked| match asked {
            "GET Encounter/1" => reply(200, encounter("1", Some("2"), 60_000)),
            _ if asked.starts_with("GET Encounter?") => {
                reply(200, page(asked, &[("1".to_owned(), "2".to_owned(), 60_000)]))
            }
            _ if asked.starts_with("GET Subscription?") => reply(200, bundle([])),
            _ => reply(404, outcome()),
        });
        let is_numbered = matches!(self, Self::ByNumber);
        let declaration = if is_numbered { topic::<USE>() } else { criteria::<USE>() };
        let app = app(Behaviour::Generic, declaration, Some(store.clone()), server, script, &[]);
        let put = async |body| send(&app, Method::PUT, Some("Encounter/1"), body).await.0;
        match self {
            Self::ByVersion => put(encounter("1", Some("2"), 60_000).to_string()).await,
            Self::WithoutVersion => put(encounter("1", None, 60_000).to_string()).await,
            Self::ByReference => put(String::new()).await,
            Self::ByNumber => post(&app, numbered("1", 7, 61_000)).await.0,
            Self::BySearch => {
                let row = swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
                assert_eq!(row["failed"], 0, "{row}");
                204
            }
        }
    }
}

/// A notification of an event that only names its resource.
fn numbered(id: &str, number: u64, milliseconds: u64) -> Value {
    let status = json!({
        "resourceType": "SubscriptionStatus", "type": "event-notification",
        "subscription": { "reference": "Subscription/s1" },
        "eventsSinceSubscriptionStart": number.to_string(),
        "notificationEvent": [{
            "eventNumber": number.to_string(), "timestamp": at(milliseconds),
            "focus": { "reference": format!("Encounter/{id}") },
        }],
    });
    json!({ "resourceType": "Bundle", "type": "subscription-notification", "entry": [{ "resource": status }] })
}

/// A version is one event with one key, whatever reports it, for a handler with the resource and for one
/// without.
#[tokio::test(start_paused = true)]
async fn a_version_has_one_identity_whatever_tells_of_it() {
    async fn check<const USE: u8>() -> Option<String> {
        let mut all = Vec::new();
        for first in Told::ALL {
            for second in Told::ALL {
                let (script, store) = (script(|_| Do::Ok), shared());
                for told in [first, second] {
                    assert_eq!(told.tell::<USE>(&store, &script).await, 204, "{first:?}, {second:?}");
                }
                assert_eq!(script.ran(), ["Encounter/1@2"], "{first:?}, {second:?}");
                all.append(&mut script.keys.lock().unwrap());
            }
        }
        all.dedup();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
    let key = check::<UNUSED>().await;
    assert!(key.is_some());
    assert_eq!(key, check::<REQUIRED>().await);
}

/// A failed try and the next one have the same key. If the server does not say the version, it is asked
/// again, and the event does not count as another one meanwhile.
#[tokio::test(start_paused = true)]
async fn an_event_whose_version_the_server_does_not_say_yet_is_sent_again() {
    let tries = AtomicUsize::new(0);
    let script = script(move |_| if tries.fetch_add(1, Ordering::SeqCst) == 0 { Do::Fail } else { Do::Ok });
    let is_down = Arc::new(AtomicBool::new(false));
    let of_server = Arc::clone(&is_down);
    let server = front(move |asked| match asked {
        "GET Encounter/1" if of_server.load(Ordering::SeqCst) => reply(503, outcome()),
        "GET Encounter/1" => reply(200, encounter("1", Some("2"), 60_000)),
        _ => reply(404, outcome()),
    });
    let app = app(Behaviour::Generic, topic::<UNUSED>(), Some(shared()), server, &script, &[]);
    let mut outcomes = Vec::new();
    for down in [false, true, false, false] {
        is_down.store(down, Ordering::SeqCst);
        outcomes.extend(post(&app, numbered("1", 7, 61_000)).await.1);
    }
    assert_eq!(outcomes, ["failed", "unread", "handled", "handled before"]);
    let keys = script.keys.lock().unwrap().clone();
    assert!(keys[0].is_some() && keys[0] == keys[1], "{keys:?}");
}

/// A version that was overwritten before its notification arrived: the history says which version it is. The
/// handler gets the resource in the notification.
#[tokio::test(start_paused = true)]
async fn a_notification_without_a_version_that_was_overtaken() {
    let script = script(|_| Do::Ok);
    let server = front(|asked| match asked {
        "GET Encounter/1" => reply(200, encounter("1", Some("3"), 90_000)),
        _ if asked.starts_with("GET Encounter/1/_history") => {
            let entry = |version: &str, time: u64| {
                json!({ "resource": encounter("1", Some(version), time),
                "request": { "method": "PUT", "url": "Encounter/1" }, "response": { "status": "200" } })
            };
            let entries = [entry("3", 90_000), entry("2", 60_000), entry("1", 30_000)];
            reply(200, json!({ "resourceType": "Bundle", "type": "history", "entry": entries }))
        }
        _ => reply(404, outcome()),
    });
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    for milliseconds in [60_000, 60_000, 90_000, 30_000] {
        send(&app, Method::PUT, Some("Encounter/1"), encounter("1", None, milliseconds)).await;
    }
    assert_eq!(script.ran(), ["Encounter/1@2", "Encounter/1@3", "Encounter/1@1"]);
    // Reported with its version, each is known.
    for (version, milliseconds) in [("1", 30_000), ("2", 60_000), ("3", 90_000)] {
        post(&app, encounter("1", Some(version), milliseconds)).await;
    }
    assert!(script.ran().is_empty());
}

/// A notification with the version costs no request. Neither does an event if nobody needs its version.
#[tokio::test(start_paused = true)]
async fn a_version_that_is_told_is_not_asked_for() {
    let script = script(|_| Do::Ok);
    let server = front(|asked| panic!("{asked}"));
    let app = app(Behaviour::Hapi, criteria::<UNUSED>(), Some(shared()), server, &script, &[]);
    send(&app, Method::PUT, Some("Encounter/1"), encounter("1", Some("2"), 60_000)).await;
    assert_eq!(script.ran(), ["Encounter/1@2"]);
}

fn version(id: &str, version: &str, milliseconds: u64, status: &str) -> Value {
    let mut resource = encounter(id, Some(version), milliseconds);
    resource["status"] = json!(status);
    json!({
        "request": { "method": "PUT", "url": format!("Encounter/{id}") }, "response": { "status": "200" },
        "resource": resource,
    })
}

fn history(entries: Value) -> Reply {
    reply(200, json!({ "resourceType": "Bundle", "type": "history", "entry": entries }))
}

/// A notification of several events, each about a resource. An event without a time only says the day, as HAPI's do.
fn several(events: &[(&str, Option<u64>)]) -> Value {
    let event = |(number, (reference, time)): (u64, &(&str, Option<u64>))| {
        let timestamp = time.map_or_else(|| "2026-01-01".to_owned(), at);
        json!({
            "eventNumber": number.to_string(), "timestamp": timestamp, "focus": { "reference": reference },
        })
    };
    let events: Vec<_> = (1..).zip(events).map(event).collect();
    let status = json!({
        "resourceType": "SubscriptionStatus", "type": "event-notification", "notificationEvent": events,
    });
    json!({ "resourceType": "Bundle", "type": "subscription-notification", "entry": [{ "resource": status }] })
}

/// A server without old versions that has version 1 of `Encounter/1` and `Encounter/2`, or version 2 if `has_newer`. Its
/// search always shows version 1.
fn server_that_lags(has_newer: Arc<AtomicBool>) -> Front {
    front(move |asked| {
        let (version, time) = if has_newer.load(Ordering::SeqCst) { ("2", 2_000) } else { ("1", 1_000) };
        match asked {
            "GET Encounter/1" => reply(200, encounter("1", Some(version), time)),
            "GET Encounter/2" => reply(200, encounter("2", Some(version), time)),
            _ if asked.starts_with("GET Encounter?") => {
                reply(200, bundle(["1", "2"].map(|id| encounter(id, Some("1"), 1_000))))
            }
            _ => reply(404, outcome()),
        }
    })
}

/// Two events of one notification that do not say when they happened: a search that lags behind would show the versions that
/// are done.
#[tokio::test(start_paused = true)]
async fn a_search_is_not_believed_about_events_without_times() {
    async fn check<const USE: u8>() {
        let script = script(|_| Do::Ok);
        let has_newer = Arc::new(AtomicBool::new(false));
        let server = server_that_lags(Arc::clone(&has_newer));
        let app = app(Behaviour::Generic, topic::<USE>(), Some(shared()), server, &script, &[]);
        let told = several(&[("Encounter/1", None), ("Encounter/2", None)]);
        assert_eq!(post(&app, &told).await, (204, vec!["handled"; 2]));
        assert_eq!(script.ran(), ["Encounter/1@1", "Encounter/2@1"]);
        has_newer.store(true, Ordering::SeqCst);
        assert_eq!(post(&app, &told).await, (204, vec!["handled"; 2]));
        assert_eq!(script.ran(), ["Encounter/1@2", "Encounter/2@2"]);
    }
    check::<UNUSED>().await;
    check::<REQUIRED>().await;
}

/// An event without a time does not take the result of the search for another event of its resource.
#[tokio::test(start_paused = true)]
async fn an_event_without_a_time_beside_one_that_was_searched_for() {
    async fn check<const USE: u8>() {
        let script = script(|_| Do::Ok);
        let server = server_that_lags(Arc::new(AtomicBool::new(true)));
        let app = app(Behaviour::Generic, topic::<USE>(), Some(shared()), server, &script, &[]);
        let told = several(&[("Encounter/1", Some(500)), ("Encounter/2", Some(500)), ("Encounter/1", None)]);
        assert_eq!(post(&app, &told).await, (204, vec!["handled"; 3]));
        assert_eq!(script.ran(), ["Encounter/1@1", "Encounter/2@1", "Encounter/1@2"]);
    }
    check::<UNUSED>().await;
    check::<REQUIRED>().await;
}

/// If the server does not keep a version, the event gets the version of now, and not an older one that the search shows.
#[tokio::test(start_paused = true)]
async fn a_version_that_is_not_kept_is_not_taken_from_the_search() {
    let script = script(|_| Do::Ok);
    let server = server_that_lags(Arc::new(AtomicBool::new(true)));
    let app = app(Behaviour::Generic, topic::<REQUIRED>(), Some(shared()), server, &script, &[]);
    let told = several(&[("Encounter/1/_history/2", None), ("Encounter/2/_history/1", None)]);
    assert_eq!(post(&app, &told).await, (204, vec!["handled"; 2]));
    assert_eq!(script.ran(), ["Encounter/1@2", "Encounter/2@1"]);
}

/// The server wrote two versions in one moment. The notification carries the older one, without its version.
#[tokio::test(start_paused = true)]
async fn two_versions_of_one_moment_are_told_apart_by_their_content() {
    let script = script(|_| Do::Ok);
    let server = front(|asked| match asked {
        "GET Encounter/1" => reply(200, version("1", "2", 60_000, "planned")["resource"].clone()),
        _ if asked.starts_with("GET Encounter/1/_history") => {
            history(json!([version("1", "2", 60_000, "planned"), version("1", "1", 60_000, "arrived")]))
        }
        _ => reply(404, outcome()),
    });
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    let told = encounter("1", None, 60_000).to_string();
    assert_eq!(send(&app, Method::PUT, Some("Encounter/1"), told).await.0, 204);
    assert_eq!(script.ran(), ["Encounter/1@1"], "the current version may not match");
}

/// The notification of a topic's event with an entry that says by which method the resource was changed.
fn numbered_by(method: &str, number: u64, milliseconds: u64) -> Value {
    let mut bundle = numbered("1", number, milliseconds);
    let entry = json!({
        "fullUrl": "https://fhir.example.org/r4/Encounter/1",
        "request": { "method": method, "url": "Encounter/1" }, "response": { "status": "200" },
    });
    bundle["entry"].as_array_mut().expect("a list").push(entry);
    bundle
}

fn deletion(version: &str) -> Value {
    json!({
        "request": { "method": "DELETE", "url": "Encounter/1" },
        "response": { "status": "204", "etag": format!("W/\"{version}\"") },
    })
}

/// A server whose `Encounter/1` has two versions, and was deleted since if that is so.
fn server_of_two(is_deleted: Arc<AtomicBool>) -> Front {
    front(move |asked| match (asked, is_deleted.load(Ordering::SeqCst)) {
        ("GET Encounter/1", false) => reply(200, encounter("1", Some("2"), 60_000)),
        ("GET Encounter/1", true) => reply(410, outcome()),
        (_, true) if asked.starts_with("GET Encounter/1/_history") => history(json!([
            deletion("3"),
            version("1", "2", 60_000, "arrived"),
            version("1", "1", 1_000, "arrived")
        ])),
        _ => reply(404, outcome()),
    })
}

/// The handler fails, and the resource is deleted before the event comes again. It is the same event still.
#[tokio::test(start_paused = true)]
async fn an_event_is_the_same_after_its_resource_is_deleted() {
    async fn check<const USE: u8>(told: impl AsyncFn(&crate::app::App) -> u16, is_topic: bool) {
        let is_deleted = Arc::new(AtomicBool::new(false));
        let runs = AtomicUsize::new(0);
        let script =
            script(move |_| if runs.fetch_add(1, Ordering::SeqCst) == 0 { Do::Fail } else { Do::Ok });
        let server = server_of_two(Arc::clone(&is_deleted));
        let declaration = if is_topic { topic::<USE>() } else { criteria::<USE>() };
        let app = app(Behaviour::Generic, declaration, Some(shared()), server, &script, &[]);
        assert_eq!(told(&app).await, 500);
        is_deleted.store(true, Ordering::SeqCst);
        assert_eq!(told(&app).await, 204);
        assert_eq!(script.ran(), ["Encounter/1@2", "Encounter/1@2"]);
        let keys = script.keys.lock().unwrap().clone();
        assert!(keys[0].is_some() && keys[0] == keys[1], "{keys:?}");
    }
    check::<UNUSED>(async |app| post(app, numbered_by("PUT", 7, 61_000)).await.0, true).await;
    check::<OPTIONAL>(async |app| post(app, numbered_by("PUT", 7, 61_000)).await.0, true).await;
    let put = async |app: &crate::app::App| {
        send(app, Method::PUT, Some("Encounter/1"), encounter("1", None, 60_000)).await.0
    };
    check::<REQUIRED>(put, false).await;
    check::<UNUSED>(put, false).await;
}

/// Helios notifies of a deletion as of a change: the notification names the resource, and no method but `GET`.
#[tokio::test(start_paused = true)]
async fn a_deletion_that_only_names_its_resource_is_not_the_version_before() {
    const DELETE: Interactions = Interactions { create: false, update: false, delete: true };
    const ALL: Interactions = Interactions { create: true, update: true, delete: true };
    async fn check<const USE: u8>(method: Option<&str>, interactions: Interactions) {
        let is_deleted = Arc::new(AtomicBool::new(false));
        let script = script(|_| Do::Ok);
        let server = server_of_two(Arc::clone(&is_deleted));
        let declaration = Declaration { interactions, ..topic::<USE>() };
        let app = app(Behaviour::Generic, declaration, Some(shared()), server, &script, &[]);
        let told = |number, milliseconds| match method {
            Some(method) => numbered_by(method, number, milliseconds),
            None => numbered("1", number, milliseconds),
        };
        for (number, time) in [(6, 1_000), (7, 60_000)] {
            assert_eq!(post(&app, told(number, time)).await.0, 204);
        }
        script.ran();
        is_deleted.store(true, Ordering::SeqCst);
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
        let case = format!("{method:?}, {interactions:?}");
        assert_eq!(post(&app, told(8, 90_000)).await, (204, vec!["handled"]), "{case}");
        assert_eq!(script.ran().len(), 1, "{case}");
        assert_eq!(post(&app, told(8, 90_000)).await, (204, vec!["handled before"]), "{case}");
    }
    for method in [None, Some("GET")] {
        for interactions in [DELETE, ALL] {
            check::<UNUSED>(method, interactions).await;
        }
    }
}
