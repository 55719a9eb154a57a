//! Checks the sandbox's notifications with the suites' checks: B1 to B8.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use fhir_sub::sandbox::{Behaviour, DeliveryError, Sandbox};
use fhir_sub_conformance::violations;
use http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};

const TOPIC: &str = "https://example.org/topics/admission";
const BACKPORT: &str = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-";

/// The notifications of a Subscription at this level of content: a handshake, a create, an update and a
/// deletion.
async fn notifications(level: &str) -> Vec<(HeaderMap, Value)> {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let inside = Arc::clone(&sent);
    let deliver = move |request: Request<Bytes>| {
        let (head, body) = request.into_parts();
        inside.lock().unwrap().push((head.headers, serde_json::from_slice(&body).unwrap()));
        async { Ok::<_, DeliveryError>(StatusCode::OK) }
    };
    let sandbox = Sandbox::builder()
        .behaviour(Behaviour::Generic)
        .base_url("https://fhir.example.org/r4")
        .build(deliver);
    let trigger =
        json!([{ "resource": "Encounter", "supportedInteraction": ["create", "update", "delete"] }]);
    let topic = json!({ "resourceType": "SubscriptionTopic", "url": TOPIC, "status": "active", "resourceTrigger": trigger });
    sandbox.create(&topic).await.unwrap();
    let content =
        json!({ "extension": [{ "url": format!("{BACKPORT}payload-content"), "valueCode": level }] });
    let channel = json!({
        "type": "rest-hook",
        "endpoint": "https://app.example.org/hooks/e",
        "payload": "application/fhir+json",
        "_payload": content,
        "header": ["X-First: one", "X-Second: two: three"],
    });
    let subscription = json!({
        "resourceType": "Subscription",
        "meta": { "profile": [format!("{BACKPORT}subscription")] },
        "status": "requested",
        "reason": "a test",
        "criteria": TOPIC,
        "channel": channel,
    });
    sandbox.create(&subscription).await.unwrap();
    sandbox.idle().await;
    let encounter = sandbox
        .create(&json!({ "resourceType": "Encounter", "status": "planned", "class": { "code": "IMP" } }))
        .await
        .unwrap();
    sandbox.idle().await;
    let mut changed = encounter.clone();
    changed["status"] = "arrived".into();
    sandbox.update(&changed).await.unwrap();
    sandbox.idle().await;
    sandbox.delete(&format!("Encounter/{}", encounter["id"].as_str().unwrap())).await.unwrap();
    sandbox.idle().await;
    let sent = sent.lock().unwrap().clone();
    assert_eq!(sent.len(), 4, "{sent:?}");
    sent
}

async fn holds(level: &str) {
    let sent = notifications(level).await;
    for (number, (_, notification)) in sent.iter().enumerate() {
        let (kind, status) =
            if number == 0 { ("handshake", None) } else { ("event-notification", Some("active")) };
        assert_eq!(violations(notification, kind, status, level), [""; 0], "{notification:#}");
    }
}

#[tokio::test]
async fn b1_to_b4_hold_for_empty() {
    holds("empty").await;
}

#[tokio::test]
async fn b1_to_b3_and_b5_hold_for_id_only() {
    holds("id-only").await;
}

#[tokio::test]
async fn b1_to_b3_and_b6_hold_for_full_resource() {
    holds("full-resource").await;
}

#[tokio::test]
async fn b7_payload_and_headers_arrive_as_they_were_asked_for() {
    for (headers, _) in notifications("id-only").await {
        assert!(headers["content-type"].to_str().unwrap().starts_with("application/fhir+json"));
        assert_eq!(headers["x-first"], "one");
        assert_eq!(headers["x-second"], "two: three");
    }
}

#[tokio::test]
async fn b8_the_level_is_that_of_the_subscription() {
    let carried = |sent: &[(HeaderMap, Value)]| sent[1].1["entry"].as_array().unwrap().len();
    assert_eq!(carried(&notifications("empty").await), 1);
    assert_eq!(carried(&notifications("full-resource").await), 2);
}

/// The checks themselves can fail.
#[tokio::test]
async fn each_check_of_a_notification_can_fail() {
    let sent = notifications("full-resource").await;
    let right = &sent[1].1;
    let wrong = |number: &str, change: &dyn Fn(&mut Value)| {
        let mut notification = right.clone();
        change(&mut notification);
        let found = violations(&notification, "event-notification", Some("active"), "full-resource");
        assert!(found.iter().any(|found| found.contains(number)), "{number}: {found:?}");
    };
    wrong("B1", &|bundle| bundle["type"] = "collection".into());
    wrong("B2", &|bundle| drop(bundle["entry"][1].as_object_mut().unwrap().remove("response")));
    wrong("B2", &|bundle| bundle["entry"][0]["request"]["url"] = "Subscription/1".into());
    wrong("B6", &|bundle| {
        bundle["entry"][1]["fullUrl"] = "https://fhir.example.org/r4/Encounter/other".into()
    });
    assert!(!violations(right, "handshake", None, "full-resource").is_empty());
    assert!(!violations(right, "event-notification", Some("off"), "full-resource").is_empty());
    assert!(!violations(right, "event-notification", None, "empty").is_empty());
    assert!(!violations(right, "event-notification", None, "id-only").is_empty());
}
