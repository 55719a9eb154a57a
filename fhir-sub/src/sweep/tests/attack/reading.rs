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
