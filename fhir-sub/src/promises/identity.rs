//! An event has one identity, whatever reports it, and no other event shares it.

use std::time::Duration;

use http::Method;
use serde_json::json;

use super::kit::*;
use crate::fhir::Instant;
use crate::sandbox::Behaviour;

/// 1: guarantees 2 and 3 of docs/once.md, for a handler that takes only an `Event`, with an id-only topic
/// subscription. The notification is the recording tests/data/helios-0.2.7/r5-id-only-event.json.
#[tokio::test(start_paused = true)]
async fn t01_event_only_handler_of_an_id_only_topic() {
    let id = "01a20baa-b3f6-78a1-ae9c-87a240871664";
    let body = json!({"resourceType":"Bundle","id":"10bd291c-6a28-4034-bf9c-0a409373dc6b","type":"subscription-notification","timestamp":"2026-11-24T03:47:46.296489827+00:00","entry":[{"fullUrl":"urn:uuid:0143301b-7b48-4e61-a492-375a9471d311","resource":{"resourceType":"SubscriptionStatus","status":"active","type":"event-notification","eventsSinceSubscriptionStart":1,"subscription":{"reference":"Subscription/01a20baa-b2b5-7ce3-a1e0-cbb27e6eea72"},"topic":"https://example.org/topics/encounters","notificationEvent":[{"eventNumber":1,"timestamp":"2026-11-24T03:47:46.295805949+00:00","focus":{"reference":format!("Encounter/{id}")}}]},"request":{"method":"GET","url":"Subscription/01a20baa-b2b5-7ce3-a1e0-cbb27e6eea72/$status"},"response":{"status":"200"}},{"fullUrl":format!("http://127.0.0.1:45191/Encounter/{id}"),"request":{"method":"GET","url":format!("Encounter/{id}")},"response":{"status":"200"}}]});
    let script = script(|_| Do::Ok);
    let server = front(move |asked| {
        if asked.starts_with("GET Encounter?") {
            let rows = [(id.to_owned(), "1".to_owned(), 28_000_000_000)];
            return reply(200, page(asked, &rows));
        }
        if asked.starts_with("GET Subscription?") {
            return reply(200, bundle([]));
        }
        reply(404, outcome())
    });
    let app = app(Behaviour::Generic, topic::<UNUSED>(), Some(shared()), server, &script, &[]);
    post(&app, &body).await;
    post(&app, &body).await;
    swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
    let (ran, keys) = (script.ran(), script.keys.lock().unwrap().clone());
    assert_eq!(ran.len(), 1, "handled twice, with keys {keys:?}");
}

/// The server says the time of a version, and no id of it.
#[tokio::test(start_paused = true)]
async fn an_event_known_by_its_number_and_a_search_without_versions() {
    for is_swept_first in [false, true] {
        let script = script(|_| Do::Ok);
        let server = front(|asked| {
            if asked.starts_with("GET Encounter?") {
                return reply(200, bundle([encounter("1", None, 60_000)]));
            }
            if asked.starts_with("GET Subscription?") {
                return reply(200, bundle([]));
            }
            reply(404, outcome())
        });
        let event =
            json!({ "eventNumber": "1", "timestamp": at(60_000), "focus": { "reference": "Encounter/1" } });
        let status = json!({
            "resourceType": "SubscriptionStatus", "type": "event-notification", "notificationEvent": [event],
            "subscription": { "reference": "Subscription/1" }, "eventsSinceSubscriptionStart": "1",
        });
        let told = json!({
            "resourceType": "Bundle", "type": "subscription-notification", "entry": [{ "resource": status }],
        });
        let app = app(Behaviour::Generic, topic::<UNUSED>(), Some(shared()), server, &script, &[]);
        if !is_swept_first {
            post(&app, &told).await;
        }
        for _ in 0..2 {
            swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
        }
        post(&app, &told).await;
        assert_eq!(script.ran().len(), 1, "handled twice, swept first: {is_swept_first}");
    }
}

/// The same for a notification and a sweep at the same time: one waits for the other, whichever is first.
#[tokio::test(start_paused = true)]
async fn a_notification_without_a_version_beside_a_sweep() {
    for is_swept_first in [false, true] {
        let script = script(|_| Do::Take(Duration::from_secs(5)));
        let server = front(|asked| {
            if asked.starts_with("GET Encounter?") {
                return reply(200, page(asked, &[("1".to_owned(), "1".to_owned(), 60_000)]));
            }
            if asked.starts_with("GET Subscription?") {
                return reply(200, bundle([]));
            }
            reply(404, outcome())
        });
        let event =
            json!({ "eventNumber": "1", "timestamp": at(60_000), "focus": { "reference": "Encounter/1" } });
        let status = json!({
            "resourceType": "SubscriptionStatus", "type": "event-notification", "notificationEvent": [event],
            "subscription": { "reference": "Subscription/1" }, "eventsSinceSubscriptionStart": "1",
            "topic": "https://example.org/topics/encounters",
        });
        let told = json!({
            "resourceType": "Bundle", "type": "subscription-notification", "entry": [{ "resource": status }],
        });
        let app = app(Behaviour::Generic, topic::<UNUSED>(), Some(shared()), server, &script, &[]);
        let pause = async |is_second: bool| {
            tokio::time::sleep(Duration::from_secs(if is_second { 2 } else { 0 })).await;
        };
        let notification = async || {
            pause(is_swept_first).await;
            post(&app, &told).await
        };
        let sweep = async || {
            pause(!is_swept_first).await;
            swept(&app, Some("2026-01-01T00:00:00Z"), 60).await
        };
        let ((status, _), row) = tokio::join!(notification(), sweep());
        assert_eq!(script.ran().len(), 1, "swept first: {is_swept_first}, {row}");
        assert_eq!(status, if is_swept_first { 503 } else { 204 }, "{row}");
        assert_eq!(post(&app, &told).await.0, 204);
        swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
        assert_eq!(script.ran().len(), 0, "swept first: {is_swept_first}");
    }
}

/// A sweep finds a version, and the resource changes before the sweep handles that version. The server does not let the program read
/// the resource, so only its number and time identify the reported event.
#[tokio::test(start_paused = true)]
async fn what_happens_after_a_search_is_another_event() {
    let script = script(|event| match event.focus() {
        Some("Encounter/last") => Do::Ok,
        _ => Do::Take(Duration::from_secs(20)),
    });
    let server = front(|asked| {
        if asked.starts_with("GET Encounter?") {
            // Four are handled at a time, so the last one waits.
            let ids = ["1", "2", "3", "4", "last"];
            let rows =
                ids.iter().zip(60_000_u64..).map(|(id, time)| ((*id).to_owned(), "1".to_owned(), time));
            return reply(200, page(asked, &rows.collect::<Vec<_>>()));
        }
        if asked.starts_with("GET Subscription?") {
            return reply(200, bundle([]));
        }
        reply(if asked.starts_with("GET Encounter/") { 403 } else { 404 }, outcome())
    });
    let app = app(Behaviour::Generic, topic::<UNUSED>(), Some(shared()), server, &script, &[]);
    let row = swept(&app, Some("2026-01-01T00:00:00Z"), 300).await;
    assert_eq!(script.ran().len(), 5, "{row}");
    for (number, seconds_ago, outcome) in [("1", 30, "handled before"), ("2", 10, "handled")] {
        let at = Instant::from(here() - Duration::from_secs(seconds_ago)).to_string();
        let event =
            json!({ "eventNumber": number, "timestamp": at, "focus": { "reference": "Encounter/last" } });
        let status = json!({
            "resourceType": "SubscriptionStatus", "type": "event-notification", "notificationEvent": [event],
        });
        let told = json!({
            "resourceType": "Bundle", "type": "subscription-notification", "entry": [{ "resource": status }],
        });
        assert_eq!(post(&app, &told).await, (204, vec![outcome]), "{seconds_ago} seconds ago");
    }
}

/// 11: two programs of one team, with different FHIR servers, and one table and key.
#[tokio::test(start_paused = true)]
async fn t11_two_servers_and_one_table() {
    let (script, store) = (script(|_| Do::Ok), shared());
    let of = |base: &str| {
        app(
            Behaviour::Hapi,
            criteria::<REQUIRED>(),
            Some(store.clone()),
            front(|_| reply(404, outcome())),
            &script,
            &[("FHIR_BASE_URL", base)],
        )
    };
    let (one, other) = (of("https://fhir.tenant-one.example/r4"), of("https://fhir.tenant-two.example/r4"));
    post(&one, encounter("1", Some("1"), 1000)).await;
    post(&other, encounter("1", Some("1"), 2000)).await;
    let ran = script.ran();
    assert_eq!(ran.len(), 2, "the second tenant's event counted as handled");
}

/// 22: HAPI's extension `resthook-strip-version-ids`, as recorded in
/// tests/data/hapi-8.8.0/strip-version-ids-update.json.
#[tokio::test(start_paused = true)]
async fn t22_a_notification_without_a_version_and_a_sweep() {
    let script = script(|_| Do::Ok);
    let server = front(|asked| {
        if asked.starts_with("GET Encounter?") {
            return reply(200, page(asked, &[("1038".to_owned(), "2".to_owned(), 60_000)]));
        }
        if asked.starts_with("GET Subscription?") {
            return reply(200, bundle([]));
        }
        reply(404, outcome())
    });
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    let told = encounter("1038", None, 60_000);
    send(&app, Method::PUT, Some("Encounter/1038"), &told).await;
    swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
    let ran = script.ran();
    assert_eq!(ran.len(), 1, "handled twice");
}

/// The same, but the sweep comes first.
#[tokio::test(start_paused = true)]
async fn a_sweep_and_then_a_notification_without_a_version() {
    let script = script(|_| Do::Ok);
    let server = front(|asked| {
        if asked.starts_with("GET Encounter?") {
            return reply(200, page(asked, &[("1038".to_owned(), "2".to_owned(), 60_000)]));
        }
        if asked.starts_with("GET Subscription?") {
            return reply(200, bundle([]));
        }
        reply(404, outcome())
    });
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
    for _ in 0..2 {
        let told = encounter("1038", None, 60_000);
        send(&app, Method::PUT, Some("Encounter/1038"), &told).await;
    }
    assert_eq!(script.ran(), ["Encounter/1038@2"]);
    send(&app, Method::PUT, Some("Encounter/1038"), &encounter("1038", None, 61_000)).await;
    assert_eq!(script.ran().len(), 1, "what was written later is another event");
}

/// A server that names neither version nor time: a return to an earlier content is another event.
#[tokio::test(start_paused = true)]
async fn a_return_to_an_earlier_content() {
    let script = script(|_| Do::Ok);
    let app = app(
        Behaviour::Hapi,
        criteria::<REQUIRED>(),
        Some(shared()),
        front(|_| reply(404, outcome())),
        &script,
        &[],
    );
    for status in ["in-progress", "finished", "in-progress"] {
        for outcome in ["handled", "handled before"] {
            let told = json!({ "resourceType": "Encounter", "id": "e1", "status": status });
            let sent = send(&app, Method::PUT, Some("Encounter/e1"), &told).await;
            assert_eq!(sent, (204, vec![outcome]), "{status}");
        }
    }
    let keys = script.keys.lock().unwrap().clone();
    assert!(keys.iter().all(Option::is_some));
    assert!(keys[0] != keys[1] && keys[0] != keys[2], "{keys:?}");
}
