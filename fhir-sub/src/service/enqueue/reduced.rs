//! Removes the resources from a topic's notification, and everything else that may reveal a patient; or only what its
//! status carries beside the parts that the program reads.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use crate::decode::place_of_status;
use crate::fhir::{Reference, is_id};

/// The members of a SubscriptionStatus and of its events that the program reads, without the references.
const STATUS: &[&str] = &["resourceType", "type", "status", "topic", "eventsSinceSubscriptionStart"];
const EVENT: &[&str] = &["id", "eventNumber", "timestamp"];

/// The same in R4: the names of the parameters and of their parts, and the members of each.
const PARAMETERS: &[&str] =
    &["subscription", "topic", "status", "type", "events-since-subscription-start", "notification-event"];
const PARTS: &[&str] = &["event-number", "timestamp", "focus"];
const PARAMETER: &[&str] = &[
    "id",
    "name",
    "valueString",
    "valueInteger",
    "valueUnsignedInt",
    "valuePositiveInt",
    "valueInteger64",
    "valueInstant",
    "valueDate",
    "valueDateTime",
    "valueCanonical",
    "valueCode",
];

/// The notification as with `content = "id-only"`: the parts of its status that the program reads, and the names of its
/// other entries. `None` if the body is not a notification.
pub(super) fn without_resources(body: &str) -> Option<Box<RawValue>> {
    let bundle: Value = serde_json::from_str(body).ok()?;
    let entries = bundle.get("entry")?.as_array()?;
    let kinds = entries.iter().map(|entry| entry["resource"]["resourceType"].as_str().unwrap_or_default());
    let status = place_of_status(kinds, true);
    let entries = entries.iter().enumerate();
    let entries: Vec<_> =
        entries.map(|(place, entry)| without_resource(entry, status == Some(place))).collect();
    let mut reduced = json!({ "resourceType": "Bundle", "type": bundle.get("type")?, "entry": entries });
    // The id of the Bundle may identify the event.
    if let Some(id) = bundle["id"].as_str().filter(|id| is_id(id)) {
        reduced["id"] = id.into();
    }
    to_raw_value(&reduced).ok()
}

/// The whole notification, but of its status only the parts that the program reads: a status may carry a token to read the
/// resources with. The other entries keep their text, because a parsed number would lose digits. `None` if the status
/// cannot be read.
pub(super) fn with_reduced_status(body: &str) -> Option<String> {
    let Bundle { entry: entries } = serde_json::from_str(body).ok()?;
    let resources = entries.into_iter().map(|entry| entry.resource.map_or("", RawValue::get));
    let resources: Vec<_> = resources.collect();
    let kind = |resource| serde_json::from_str::<Kind<'_>>(resource).unwrap_or_default();
    let kinds: Vec<_> = resources.iter().copied().map(kind).collect();
    let status = resources[place_of_status(kinds.iter().map(|kind| &*kind.resource_type), true)?];
    let reduced = reduced_status(&serde_json::from_str(status).ok()?)?;
    let start = status.as_ptr().addr() - body.as_ptr().addr();
    Some(format!("{}{reduced}{}", &body[..start], &body[start + status.len()..]))
}

/// A Bundle with the text of each resource.
#[derive(Deserialize)]
struct Bundle<'b> {
    #[serde(borrow)]
    entry: Vec<Entry<'b>>,
}

#[derive(Deserialize)]
struct Entry<'b> {
    #[serde(borrow, default)]
    resource: Option<&'b RawValue>,
}

#[derive(Default, Deserialize)]
struct Kind<'b> {
    #[serde(borrow, default, rename = "resourceType")]
    resource_type: Cow<'b, str>,
}

/// The parts of a status that the program reads. `None` if the resource is no status.
fn reduced_status(resource: &Value) -> Option<Value> {
    match resource["resourceType"].as_str()? {
        kind @ "Parameters" => {
            let parameters = parameters(&resource["parameter"], PARAMETERS);
            Some(json!({ "resourceType": kind, "parameter": parameters }))
        }
        "SubscriptionStatus" | "AidboxSubscriptionStatus" => Some(status(resource).into()),
        _ => None,
    }
}

/// An event may be about a Parameters resource too, which must not travel.
fn without_resource(entry: &Value, is_status: bool) -> Value {
    let resource = &entry["resource"];
    let kind = resource["resourceType"].as_str().unwrap_or_default();
    let mut reduced = Map::new();
    if let Some(status) = reduced_status(resource).filter(|_| is_status) {
        reduced.insert("resource".into(), status);
    }
    if let Some(url) = entry["fullUrl"].as_str() {
        reduced.insert("fullUrl".into(), without_query(url).into());
    }
    let method = entry["request"].get("method").filter(|method| method.is_string());
    let mut request = Map::from_iter(method.map(|method| ("method".to_owned(), method.clone())));
    if let Some(url) = entry["request"]["url"].as_str() {
        request.insert("url".into(), without_query(url).into());
    }
    // Only the resource may say its id and its version.
    // Without a type, it is the answer of an API that need not be of FHIR.
    if let Some(id) = resource["id"].as_str().filter(|id| is_id(id) && !kind.is_empty())
        && !reduced.contains_key("resource")
    {
        // A `POST` names the type only, which may be the end of a whole URL.
        let is_post = method.is_some_and(|method| method == "POST");
        let names_none = |url: &Value| {
            let url = url.as_str().filter(|url| !(is_post && Reference::base(url).is_some()));
            url.and_then(Reference::parse).is_none()
        };
        let version = resource["meta"]["versionId"].as_str().filter(|version| is_id(version));
        if let Some(version) = version {
            request.insert("url".into(), format!("{kind}/{id}/_history/{version}").into());
        } else if request.get("url").is_none_or(names_none) {
            request.insert("url".into(), format!("{kind}/{id}").into());
        }
    }
    if !request.is_empty() {
        reduced.insert("request".into(), request.into());
    }
    reduced.into()
}

/// A SubscriptionStatus.
fn status(resource: &Value) -> Map<String, Value> {
    let mut kept = only(resource, STATUS);
    kept.extend(reference(resource, "subscription"));
    if let Some(events) = resource["notificationEvent"].as_array() {
        let event = |event: &Value| -> Value {
            let mut kept = only(event, EVENT);
            kept.extend(reference(event, "focus"));
            kept.into()
        };
        kept.insert("notificationEvent".into(), events.iter().map(event).collect());
    }
    kept
}

/// The parameters with these names.
fn parameters(all: &Value, names: &[&str]) -> Vec<Value> {
    let all = all.as_array().map(Vec::as_slice).unwrap_or_default();
    let named =
        all.iter().filter(|parameter| parameter["name"].as_str().is_some_and(|name| names.contains(&name)));
    let reduced = named.map(|parameter| {
        let mut kept = only(parameter, PARAMETER);
        kept.extend(reference(parameter, "valueReference"));
        if parameter.get("part").is_some() {
            kept.insert("part".into(), parameters(&parameter["part"], PARTS).into());
        }
        kept.into()
    });
    reduced.collect()
}

/// The members with these names, if they are texts, numbers or truth values.
fn only(object: &Value, names: &[&str]) -> Map<String, Value> {
    let is_simple = |value: &&Value| value.is_string() || value.is_number() || value.is_boolean();
    let kept = names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), object.get(name).filter(is_simple)?.clone())));
    kept.collect()
}

/// A reference without its display. Its identifier is kept only if nothing else says what it refers to.
fn reference(object: &Value, name: &str) -> Option<(String, Value)> {
    let found = object.get(name)?;
    let mut kept = only(found, &["reference"]);
    if kept.is_empty() {
        kept = only(found, &["type"]);
        if let Some(identifier) = found.get("identifier") {
            kept.insert("identifier".into(), only(identifier, &["system", "value"]).into());
        }
    }
    Some((name.to_owned(), kept.into()))
}

/// A query may be a search by a patient's data.
fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}
