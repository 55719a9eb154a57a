//! A SubscriptionTopic in R4, which lacks this type: a `Basic` with extensions, as on HAPI and Helios.

use serde_json::{Map, Value, json};

use super::items;

const SYSTEM: &str = "http://hl7.org/fhir/fhir-types";
const CODE: &str = "SubscriptionTopic";

/// The text before an element's name in the URL of its extension, in any version.
const ELEMENT: &str = "/extension-SubscriptionTopic.";

/// The elements that may repeat.
const LISTS: [&str; 7] = [
    "resourceTrigger",
    "eventTrigger",
    "canFilterBy",
    "supportedInteraction",
    "notificationShape",
    "comparator",
    "modifier",
];

/// Whether the `Basic` represents a topic.
pub(super) fn is_topic(basic: &Value) -> bool {
    let codings = items(&basic["code"]["coding"]);
    codings.iter().any(|coding| coding["code"] == CODE && coding["system"] == SYSTEM)
}

/// The topic that the `Basic` represents.
pub(super) fn to_topic(basic: &Value) -> Value {
    let extensions = items(&basic["extension"]).iter().chain(items(&basic["modifierExtension"]));
    let elements = extensions.filter_map(|extension| {
        let (_, name) = extension["url"].as_str()?.split_once(ELEMENT)?;
        Some((name, extension))
    });
    Value::Object(members(elements))
}

/// The `Basic` of a topic that has a URL, and triggers with `resource` and `supportedInteraction` only.
pub(super) fn of_topic(topic: &Value) -> Value {
    let of = |version: &str, name: &str| {
        format!("http://hl7.org/fhir/{version}/StructureDefinition{ELEMENT}{name}")
    };
    let mut extensions = vec![
        json!({ "url": of("5.0", "url"), "valueUri": topic["url"] }),
        json!({ "url": of("5.0", "title"), "valueString": topic["title"] }),
    ];
    if !topic["version"].is_null() {
        extensions.push(json!({ "url": of("5.0", "version"), "valueString": topic["version"] }));
    }
    for trigger in items(&topic["resourceTrigger"]) {
        let interactions = items(&trigger["supportedInteraction"]).iter();
        let mut parts = vec![json!({ "url": "resource", "valueUri": trigger["resource"] })];
        parts.extend(interactions.map(|code| json!({ "url": "supportedInteraction", "valueString": code })));
        // HAPI expects this version.
        extensions.push(json!({ "url": of("4.3", "resourceTrigger"), "extension": parts }));
    }
    json!({
        "resourceType": "Basic",
        "id": topic["id"],
        "code": { "coding": [{ "system": SYSTEM, "code": CODE }] },
        "extension": extensions,
        "modifierExtension": [{ "url": of("5.0", "status"), "valueString": topic["status"] }],
    })
}

fn members<'v>(elements: impl Iterator<Item = (&'v str, &'v Value)>) -> Map<String, Value> {
    let mut members = Map::new();
    for (name, extension) in elements {
        let value = value(extension);
        if !LISTS.contains(&name) {
            members.insert(name.to_owned(), value);
        } else if let Value::Array(list) = members.entry(name).or_insert_with(|| json!([])) {
            list.push(value);
        }
    }
    members
}

/// The `value[x]` of an extension, or an object with its nested extensions.
fn value(extension: &Value) -> Value {
    let parts = items(&extension["extension"]);
    if parts.is_empty() {
        let mut all = extension.as_object().into_iter().flatten();
        let value = all.find(|(member, _)| member.starts_with("value"));
        return value.map_or(Value::Null, |(_, value)| value.clone());
    }
    Value::Object(members(parts.iter().filter_map(|part| Some((part["url"].as_str()?, part)))))
}
