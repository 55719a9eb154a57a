//! A resource that a criteria matches, or a topic with its filters, to try a handler with.

use bytes::Bytes;
use http::Request;
use serde_json::{Map, Value, json};

use crate::fhir::FhirVersion;
use crate::sandbox::{DeliveryError, Sandbox};

/// A resource that matches `criteria`, found by trying: each parameter's value is put where FHIR keeps such
/// values, in each of the forms that they have, until the sandbox finds it. `None` where none of them does.
pub(super) async fn sample(criteria: &str, version: FhirVersion) -> Option<Value> {
    let (resource_type, query) = criteria.split_once('?').unwrap_or((criteria, ""));
    if !crate::fhir::is_type_name(resource_type) {
        return None;
    }
    let mut resource = usual_elements(resource_type, version);
    resource.insert("resourceType".into(), resource_type.into());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, values) = pair.split_once('=')?;
        let value = values.split(',').next()?;
        resource = with_parameter(&resource, resource_type, name, value, pair).await?;
    }
    let resource = Value::Object(resource);
    // A single quote would end the shell's.
    let is_pasteable = !resource.to_string().contains('\'');
    (is_pasteable && is_found(&resource, resource_type, query).await).then_some(resource)
}

/// `resource` with an element more, such that the search `pair` finds it.
async fn with_parameter(
    resource: &Map<String, Value>,
    resource_type: &str,
    name: &str,
    value: &str,
    pair: &str,
) -> Option<Map<String, Value>> {
    let (system, code) = value.split_once('|').unwrap_or(("", value));
    let coding =
        if system.is_empty() { json!({ "code": code }) } else { json!({ "system": system, "code": code }) };
    let identifier =
        if system.is_empty() { json!({ "value": code }) } else { json!({ "system": system, "value": code }) };
    let mut forms = [
        json!(value),
        json!({ "coding": [coding.clone()] }),
        json!([{ "coding": [coding.clone()] }]),
        coding,
        json!({ "reference": value }),
        json!([identifier]),
        json!(value == "true"),
    ];
    // A usual element keeps its form: some handlers read it into a type.
    let usual = resource.get(&element(name));
    forms.sort_by_key(|form| usual.is_none_or(|usual| !has_form_of(form, usual)));
    for form in forms {
        let mut resource = resource.clone();
        resource.insert(element(name), form);
        if is_found(&Value::Object(resource.clone()), resource_type, pair).await {
            return Some(resource);
        }
    }
    None
}

/// Whether both are codings, concepts, lists of concepts, or neither of those.
fn has_form_of(one: &Value, other: &Value) -> bool {
    let form = |value: &Value| {
        let first = value.get(0).unwrap_or(value);
        (value.is_array(), value.is_object(), first.get("coding").is_some(), first.get("code").is_some())
    };
    form(one) == form(other)
}

async fn is_found(resource: &Value, resource_type: &str, query: &str) -> bool {
    let no_one = |_: Request<Bytes>| async { Err(DeliveryError::new("there is no subscription")) };
    let sandbox = Sandbox::builder().build(no_one);
    if sandbox.create(resource).await.is_err() {
        return false;
    }
    let Ok(request) = Request::get(format!("/{resource_type}?{query}")).body(Bytes::new()) else {
        return false;
    };
    let response = sandbox.handle(request).await;
    let found: Option<Value> = serde_json::from_slice(response.body()).ok();
    response.status().is_success() && found.is_some_and(|bundle| bundle["total"] == 1)
}

/// The element that a parameter's name usually stands for: `based-on` is `basedOn`.
fn element(parameter: &str) -> String {
    let mut words = parameter.split('-');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |element, word| {
        let (head, tail) = word.split_at(word.len().min(1));
        element + &head.to_uppercase() + tail
    })
}

/// What the specification requires of the types that subscriptions are mostly about.
fn usual_elements(resource_type: &str, version: FhirVersion) -> Map<String, Value> {
    let class = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB" });
    let elements = match resource_type {
        "Encounter" if version == FhirVersion::R5 => {
            json!({ "status": "in-progress", "class": [{ "coding": [class] }] })
        }
        "Encounter" => json!({ "status": "in-progress", "class": class }),
        "Appointment" => json!({
            "participant": [{ "actor": { "reference": "Patient/example" }, "status": "accepted" }]
        }),
        "Observation" | "Condition" => json!({ "code": { "text": "an example" } }),
        "ServiceRequest" | "MedicationRequest" => json!({
            "intent": "order", "subject": { "reference": "Patient/example" }
        }),
        "Task" => json!({ "intent": "order" }),
        _ => json!({}),
    };
    match elements {
        Value::Object(elements) => elements,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests;
