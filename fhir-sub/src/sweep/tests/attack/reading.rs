//! Reading the resources of several events by a search.

use serde_json::json;

use crate::promises::kit::{
    Do, REQUIRED, app, at, bundle, encounter, front, outcome, post, reply, script, shared, topic,
};
use crate::sandbox::Behaviour;

/// 17: two id-only events in one notification, on a server with a search that lags behind its reads.
#[tokio::test(start_paused = true)]
async fn t17_a_search_that_lags_behind() {
    let script = script(|_| Do::Ok);
    let server = front(|asked| match asked {
        _ if asked.starts_with("GET Encounter?") => {
            reply(200, bundle([encounter("1", Some("1"), 1000), encounter("2", Some("1"), 1000)]))
        }
        "GET Encounter/1" => reply(200, encounter("1", Some("2"), 60_000)),
        "GET Encounter/2" => reply(200, encounter("2", Some("2"), 60_000)),
        _ => reply(404, outcome()),
    });
    let app = app(
        Behaviour::Generic,
        topic::<REQUIRED>(),
        Some(shared()),
        server,
        &script,
        &[("FHIR_SUBSCRIPTION_GAPS", "log")],
    );
    let body = |first: u64, minute: u64| {
        let event = |number: u64, id: u64| {
            json!({
                "eventNumber": number.to_string(), "timestamp": at(minute * 60_000),
                "focus": { "reference": format!("Encounter/{id}") },
            })
        };
        let status = json!({
            "resourceType": "SubscriptionStatus", "type": "event-notification",
            "subscription": { "reference": "Subscription/s1" },
            "eventsSinceSubscriptionStart": (first + 1).to_string(),
            "notificationEvent": [event(first, 1), event(first + 1, 2)],
        });
        json!({ "resourceType": "Bundle", "type": "subscription-notification", "entry": [{ "resource": status }] })
    };
    post(&app, body(1, 0)).await;
    script.ran();
    post(&app, body(3, 1)).await;
    let ran = script.ran();
    assert_eq!(ran, ["Encounter/1@2", "Encounter/2@2"], "answered 204, and not handled");
}

/// The same within one second, on a server that cuts the times of its events to seconds.
#[tokio::test(start_paused = true)]
async fn a_search_that_lags_behind_by_less_than_the_precision_of_times() {
    let script = script(|_| Do::Ok);
    let server = front(|asked| match asked {
        _ if asked.starts_with("GET Encounter?") => {
            reply(200, bundle([encounter("1", Some("1"), 400), encounter("2", Some("1"), 400)]))
        }
        "GET Encounter/1" => reply(200, encounter("1", Some("2"), 900)),
        "GET Encounter/2" => reply(200, encounter("2", Some("2"), 900)),
        _ => reply(404, outcome()),
    });
    let set = [("FHIR_SUBSCRIPTION_GAPS", "log")];
    let app = app(Behaviour::Generic, topic::<REQUIRED>(), Some(shared()), server, &script, &set);
    for id in ["1", "2"] {
        post(&app, encounter(id, Some("1"), 400)).await;
    }
    script.ran();
    let event = |number: u64| {
        json!({
            "eventNumber": number.to_string(), "timestamp": "2026-01-01T00:00:00Z",
            "focus": { "reference": format!("Encounter/{number}") },
        })
    };
    let status = json!({
        "resourceType": "SubscriptionStatus", "type": "event-notification",
        "subscription": { "reference": "Subscription/s1" }, "eventsSinceSubscriptionStart": "2",
        "notificationEvent": [event(1), event(2)],
    });
    let told = json!({ "resourceType": "Bundle", "type": "subscription-notification", "entry": [{ "resource": status }] });
    post(&app, told).await;
    assert_eq!(script.ran(), ["Encounter/1@2", "Encounter/2@2"]);
}
