//! The suites' notifications: R4, by the Backport IG 1.1.0.

use serde_json::{Value, json};

/// The server, Subscription and topic of a notification.
#[derive(Clone, Debug)]
pub struct Told {
    /// The FHIR server's base URL.
    pub base: String,
    /// The id of the Subscription.
    pub id: String,
    /// The criteria of the Subscription: the URL of a topic.
    pub topic: String,
}

impl Told {
    /// The whole URL of the Subscription (A10).
    #[must_use]
    pub fn subscription(&self) -> String {
        format!("{}/Subscription/{}", self.base, self.id)
    }
}

/// A notification of the type `kind`. In one run, all have the same id, and so do their first entries (A9).
#[must_use]
pub fn notification(
    told: &Told,
    kind: &str,
    status: &str,
    count: u64,
    events: &[Value],
    entries: &[Value],
) -> Value {
    let mut parameters = vec![
        json!({ "name": "subscription", "valueReference": { "reference": told.subscription() } }),
        json!({ "name": "topic", "valueCanonical": told.topic }),
        json!({ "name": "status", "valueCode": status }),
        json!({ "name": "type", "valueCode": kind }),
        json!({ "name": "events-since-subscription-start", "valueString": count.to_string() }),
    ];
    parameters.extend(events.iter().map(|parts| json!({ "name": "notification-event", "part": parts })));
    let first = json!({
        "fullUrl": "urn:uuid:1a4f7a1c-0d1e-4a37-a1c4-7b7d1a1d4a11",
        "resource": {
            "resourceType": "Parameters",
            "id": "1a4f7a1c-0d1e-4a37-a1c4-7b7d1a1d4a11",
            "meta": { "profile": ["http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-status-r4"] },
            "parameter": parameters,
        },
        "request": { "method": "GET", "url": format!("{}/$status", told.subscription()) },
        "response": { "status": "200" },
    });
    let mut all = vec![first];
    all.extend_from_slice(entries);
    json!({
        "resourceType": "Bundle",
        "id": "b0a1f2c3-8a51-4b5e-9d7c-2f6a8d1c5e77",
        "type": "history",
        "timestamp": "2026-01-31T12:00:00Z",
        "entry": all,
    })
}

/// The parts of an event.
#[must_use]
pub fn event(number: u64, focus: Option<&str>) -> Value {
    let mut parts = vec![
        json!({ "name": "event-number", "valueString": number.to_string() }),
        json!({ "name": "timestamp", "valueInstant": "2026-01-31T12:00:00Z" }),
    ];
    parts.extend(focus.map(|focus| json!({ "name": "focus", "valueReference": { "reference": focus } })));
    parts.into()
}
