//! The resources of the cases, each with canaries.

use serde_json::{Value, json};

/// A word in every secret and every resource, which must not appear in any log line.
pub const CANARY: &str = "canary";

/// A resource of this type with `elements`, and with canaries in an identifier and in its text.
pub fn resource(resource_type: &str, elements: &Value) -> Value {
    let mut resource = json!({
        "resourceType": resource_type,
        "identifier": [{ "system": "urn:canary", "value": "canary-of-an-identifier" }],
        "text": { "status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">canary of a text</div>" },
    });
    let (target, elements) =
        (resource.as_object_mut().unwrap(), elements.as_object().expect("elements by name"));
    target.extend(elements.iter().map(|(name, value)| (name.clone(), value.clone())));
    resource
}

/// The id of a stored resource.
pub fn id(resource: &Value) -> &str {
    resource["id"].as_str().expect("what is stored has an id")
}

/// The version of a stored resource.
pub fn version_id(resource: &Value) -> &str {
    resource["meta"]["versionId"].as_str().expect("HAPI counts versions")
}
