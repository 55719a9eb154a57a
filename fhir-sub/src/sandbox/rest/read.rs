//! Reading one resource: now, in a version, in all its versions.

use http::StatusCode;
use serde_json::{Value, json};

use crate::sandbox::{
    answer::Answer, call::Call, clock, notification::Interaction, refusal::Refusal, server::Desk,
    store::Version,
};

pub(super) fn read(desk: &Desk<'_>, call: &Call, kind: &str, id: &str) -> Result<Answer, Refusal> {
    check_parameters(call)?;
    let (version, resource) = desk.store.current(kind, id)?;
    Ok(Answer::resource(StatusCode::OK, version, resource.clone()))
}

pub(super) fn version(
    desk: &Desk<'_>,
    call: &Call,
    kind: &str,
    id: &str,
    number: &str,
) -> Result<Answer, Refusal> {
    check_parameters(call)?;
    let versions = desk.store.versions(kind, id).unwrap_or_default();
    let version = versions.iter().find(|version| version.number.to_string() == number);
    let version =
        version.ok_or_else(|| Refusal::unknown(format!("there is no {kind}/{id} in this version")))?;
    match &version.resource {
        Some(resource) => Ok(Answer::resource(StatusCode::OK, version, resource.clone())),
        None => Err(Refusal::gone(format!("{kind}/{id} was deleted in this version"))),
    }
}

/// Every version, newest first, in one Bundle.
pub(super) fn history(desk: &Desk<'_>, call: &Call, kind: &str, id: &str) -> Result<Answer, Refusal> {
    check_parameters(call)?;
    let versions = desk.store.versions(kind, id);
    let versions = versions.ok_or_else(|| Refusal::unknown(format!("there is no {kind}/{id}")))?;
    let base = &desk.settings.base_url;
    let entries: Vec<_> =
        versions.iter().rev().map(|version| history_entry(version, base, kind, id)).collect();
    Ok(Answer::ok(json!({
        "resourceType": "Bundle",
        "type": "history",
        "total": entries.len(),
        "link": [{ "relation": "self", "url": format!("{base}/{kind}/{id}/_history") }],
        "entry": entries,
    })))
}

/// A read takes no parameter that would change what is read.
fn check_parameters(call: &Call) -> Result<(), Refusal> {
    let is_honoured = |(name, value): &(String, String)| match name.as_str() {
        "_format" => value.contains("json"),
        name => name == "_pretty",
    };
    match call.pairs().iter().find(|pair| !is_honoured(pair)) {
        None => Ok(()),
        Some((name, _)) => {
            Err(Refusal::unsupported(format!("the sandbox cannot honour the parameter `{name}` of a read")))
        }
    }
}

fn history_entry(version: &Version, base: &str, kind: &str, id: &str) -> Value {
    let (method, url, status) = match version.interaction {
        Interaction::Create if version.number == 1 => ("POST", kind.to_owned(), "201 Created"),
        Interaction::Create => ("PUT", format!("{kind}/{id}"), "201 Created"),
        Interaction::Update => ("PUT", format!("{kind}/{id}"), "200 OK"),
        Interaction::Delete => ("DELETE", format!("{kind}/{id}"), "204 No Content"),
    };
    let mut entry = json!({
        "fullUrl": format!("{base}/{kind}/{id}"),
        "request": { "method": method, "url": url },
        "response": {
            "status": status,
            "etag": format!("W/\"{}\"", version.number),
            "lastModified": clock::instant(version.at),
        },
    });
    if let Some(resource) = &version.resource {
        entry["resource"] = Value::clone(resource);
    }
    entry
}
