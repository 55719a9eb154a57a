//! A topic's notification without the resources that it carries.

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use crate::fhir::is_id;

/// The notification as one with `content = "id-only"` would be: its status, and of each other entry what names it. `None` where
/// it is none.
pub(super) fn without_resources(body: &str) -> Option<Box<RawValue>> {
    let bundle: Value = serde_json::from_str(body).ok()?;
    let entries = bundle.get("entry")?.as_array()?;
    let entries: Vec<_> = entries.iter().map(without_resource).collect();
    let reduced = json!({ "resourceType": "Bundle", "type": bundle.get("type")?, "entry": entries });
    to_raw_value(&reduced).ok()
}

fn without_resource(entry: &Value) -> Value {
    let resource = &entry["resource"];
    let kind = resource["resourceType"].as_str().unwrap_or_default();
    let mut reduced = Map::new();
    if matches!(kind, "Parameters" | "SubscriptionStatus" | "AidboxSubscriptionStatus") {
        reduced.insert("resource".into(), resource.clone());
    }
    for name in ["fullUrl", "request"] {
        if let Some(value) = entry.get(name) {
            reduced.insert(name.into(), value.clone());
        }
    }
    // The version, which only the resource may have said.
    if let (Some(id), Some(version)) = (resource["id"].as_str(), resource["meta"]["versionId"].as_str())
        && !reduced.contains_key("resource")
        && is_id(id)
        && is_id(version)
    {
        let method = entry["request"].get("method").cloned();
        let mut request =
            Map::from_iter([("url".to_owned(), format!("{kind}/{id}/_history/{version}").into())]);
        request.extend(method.map(|method| ("method".to_owned(), method)));
        reduced.insert("request".into(), request.into());
    }
    reduced.into()
}
