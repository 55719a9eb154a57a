//! The history of a resource, or of a type ([FHIR R4 §3.1.0.14](https://hl7.org/fhir/R4/http.html#history)).

use std::sync::Arc;

use serde_json::{Value, json};

use crate::fhir::Instant;
use crate::{
    Behaviour, answer::Answer, call::Call, notification::Interaction, page::Shape, refusal::Refusal,
    server::Desk, store::Version,
};

/// The most versions of a resource that Medplum shows.
const MOST_OF_MEDPLUM: usize = 100;

/// Every version of a resource, newest first, in pages.
pub(super) fn of_instance(desk: &mut Desk<'_>, call: &Call, kind: &str, id: &str) -> Result<Answer, Refusal> {
    let versions = desk.store.versions(kind, id);
    let versions = versions.ok_or_else(|| Refusal::unknown(format!("there is no {kind}/{id}")))?;
    let versions = versions.iter().map(|version| (id.to_owned(), version.clone())).collect();
    answer(desk, call, kind, versions)
}

/// Every version of every resource of a type, newest first, in pages.
pub(super) fn of_type(desk: &mut Desk<'_>, call: &Call, kind: &str) -> Result<Answer, Refusal> {
    let versions = desk.store.all_versions(kind);
    let versions = versions.into_iter().map(|(id, version)| (id.to_owned(), version.clone())).collect();
    answer(desk, call, kind, versions)
}

/// Answers with the versions, or with the versions since the requested moment. `versions` must be oldest first.
fn answer(
    desk: &mut Desk<'_>,
    call: &Call,
    kind: &str,
    mut versions: Vec<(String, Version)>,
) -> Result<Answer, Refusal> {
    let mut pairs = call.pairs();
    let shape = match desk.settings.behaviour {
        // Medplum shows this many, states the total, and has no link to more.
        Behaviour::Medplum => Shape::take(&mut pairs, MOST_OF_MEDPLUM)?.up_to(MOST_OF_MEDPLUM),
        _ => Shape::take(&mut pairs, desk.settings.page_size)?,
    };
    let shape = shape.of_history();
    let since = match pairs.as_slice() {
        [] => None,
        [(name, since)] if name == "_since" => {
            let wrong = || Refusal::bad_request("the parameter `_since` is a FHIR instant");
            Some(Instant::parse(since).ok_or_else(wrong)?)
        }
        [(name, _), ..] => {
            return Err(Refusal::unsupported(format!(
                "the sandbox cannot honour the parameter `{name}` of a history"
            )));
        }
    };
    versions.retain(|(_, version)| since.is_none_or(|since| version.at >= since));
    let base = &desk.settings.base_url;
    let described = match desk.settings.behaviour {
        Behaviour::Medplum => described_by_medplum,
        _ => described,
    };
    let entries = versions.iter().rev().map(|(id, version)| {
        let mut entry = described(version, base, kind, id);
        if let Some(resource) = &version.resource {
            entry["resource"] = Value::clone(resource);
        }
        Arc::new(entry)
    });
    let query = if call.query.is_empty() { String::new() } else { format!("?{}", call.query) };
    let own_link = format!("{base}/{}{query}", call.path());
    Ok(Answer::ok(desk.pages.first(base, own_link, shape, entries.collect())))
}

/// The entry of a version, without its resource.
fn described(version: &Version, base: &str, kind: &str, id: &str) -> Value {
    let (method, url, status) = match version.interaction {
        Interaction::Create if version.number == 1 => ("POST", kind.to_owned(), "201 Created"),
        Interaction::Create => ("PUT", format!("{kind}/{id}"), "201 Created"),
        Interaction::Update => ("PUT", format!("{kind}/{id}"), "200 OK"),
        Interaction::Delete => ("DELETE", format!("{kind}/{id}"), "204 No Content"),
    };
    json!({
        "fullUrl": format!("{base}/{kind}/{id}"),
        "request": { "method": method, "url": url },
        "response": {
            "status": status,
            "etag": format!("W/\"{}\"", version.number),
            "lastModified": version.at.to_string(),
        },
    })
}

/// The same in Medplum's form: it describes the answer to a read of the version, not the write.
fn described_by_medplum(version: &Version, base: &str, kind: &str, id: &str) -> Value {
    let url = format!("{kind}/{id}/_history/{}", version.number);
    let status = if version.resource.is_some() { "200" } else { "410" };
    json!({
        "fullUrl": format!("{base}/{url}"),
        "request": { "method": "GET", "url": url },
        "response": { "status": status },
    })
}
