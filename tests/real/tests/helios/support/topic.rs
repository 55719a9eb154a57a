//! The topic of the program's subscriptions, in the form that the server reads in each version.

use serde_json::{Value, json};

use super::Version;

const URL: &str = "https://example.org/topics/encounters";
const INTERACTIONS: [&str; 3] = ["create", "update", "delete"];

/// The resource has the name of its type: Helios compares it literally, and a URL would never match.
pub(crate) fn topic(version: Version) -> Value {
    match version {
        Version::R4 => basic(),
        Version::R4B | Version::R5 => json!({
            "resourceType": "SubscriptionTopic",
            "url": URL,
            "title": "Encounters",
            "status": "active",
            "resourceTrigger": [{ "resource": "Encounter", "supportedInteraction": INTERACTIONS }],
            "canFilterBy": [{ "resource": "Encounter", "filterParameter": "status" }],
        }),
    }
}

/// R4 has no SubscriptionTopic: a `Basic` replaces it, with R5's elements as extensions.
fn basic() -> Value {
    let extension = |name: &str| {
        format!("http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic.{name}")
    };
    let interactions =
        INTERACTIONS.iter().map(|code| json!({ "url": "supportedInteraction", "valueCode": code }));
    let mut trigger =
        vec![json!({ "url": "resource", "valueUri": "http://hl7.org/fhir/StructureDefinition/Encounter" })];
    trigger.extend(interactions);
    let filter = json!([
        { "url": "resource", "valueUri": "http://hl7.org/fhir/StructureDefinition/Encounter" },
        { "url": "filterParameter", "valueString": "status" },
    ]);
    json!({
        "resourceType": "Basic",
        "code": { "coding": [{ "system": "http://hl7.org/fhir/fhir-types", "code": "SubscriptionTopic" }] },
        "extension": [
            { "url": extension("url"), "valueUri": URL },
            { "url": extension("title"), "valueString": "Encounters" },
            { "url": extension("resourceTrigger"), "extension": trigger },
            { "url": extension("canFilterBy"), "extension": filter },
        ],
    })
}
