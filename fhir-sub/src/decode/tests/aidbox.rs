//! Aidbox's notifications, by its tutorials: integers are numbers in R5, and every URL is absolute.

use super::*;

/// A notification of R5 at a content level: `empty`, `id-only` or `full-resource`.
fn notification(kind: &str, content: &str) -> String {
    let base = "https://aidbox.example.org/fhir";
    let mut event = json!({ "eventNumber": 3, "timestamp": "2026-01-31T12:00:00.123456Z" });
    if content != "empty" {
        event["focus"] = json!({ "reference": format!("{base}/Encounter/1") });
    }
    let status = json!({
        "resourceType": "SubscriptionStatus",
        "id": "0a0e0f6c-0000-4000-8000-000000000001",
        "type": kind,
        "topic": "http://example.org/topic",
        "status": "active",
        "subscription": { "reference": "https://aidbox.example.org/Subscription/s1" },
        "notificationEvent": if kind == "event-notification" { vec![event] } else { Vec::new() },
        "eventsSinceSubscriptionStart": 3,
    });
    let mut entries = vec![json!({
        "fullUrl": "urn:uuid:0a0e0f6c-0000-4000-8000-000000000001",
        "request": { "method": "GET", "url": "https://aidbox.example.org/Subscription/s1/$status" },
        "response": { "status": "200" },
        "resource": status,
    })];
    if content == "full-resource" {
        entries.push(json!({
            "fullUrl": format!("{base}/Encounter/1"),
            "resource": { "resourceType": "Encounter", "id": "1", "meta": { "versionId": "16" }, "text": "canary" },
            "request": { "method": "POST", "url": format!("{base}/Encounter") },
            "response": { "status": "201" },
        }));
    }
    json!({
        "resourceType": "Bundle",
        "type": "subscription-notification",
        "timestamp": "2026-01-31T12:00:01.123456Z",
        "entry": entries,
    })
    .to_string()
}

#[test]
fn each_content_level() {
    for (content, expected) in [
        ("empty", "#3 unknown -@-"),
        ("id-only", "#3 unknown Encounter/1@-"),
        ("full-resource", "#3 create Encounter/1@16 {…}"),
    ] {
        let body = notification("event-notification", content);
        // Its Subscription has another base URL than its resources, on the same host.
        for base in ["https://aidbox.example.org/fhir", "http://aidbox.internal:8888/fhir"] {
            assert_eq!(told_to(&Expected { base, ..super::expected(&topic()) }, &body), [expected], "{base}");
        }
    }
    for kind in ["handshake", "heartbeat"] {
        assert_eq!(told(&topic(), &notification(kind, "empty")), [kind]);
    }
}
