//! Reads one resource, in its current or in another version.

use http::StatusCode;

use crate::{answer::Answer, call::Call, refusal::Refusal, server::Desk};

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

/// Refuses parameters that would change the result of a read.
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
