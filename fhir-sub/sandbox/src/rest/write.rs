//! Creating, updating, patching, deleting.

use http::StatusCode;
use serde_json::{Map, Value};

use super::patch::apply;
use crate::{
    answer::Answer,
    builder::Behaviour,
    call::Call,
    refusal::Refusal,
    search::{Search, query},
    server::Desk,
    subscription::RestHook,
    topic::Topic,
};
#[cfg(feature = "sample")]
use crate::{required, shape};

pub(super) fn create(desk: &mut Desk<'_>, call: &Call, kind: &str) -> Result<Answer, Refusal> {
    let content = call.resource(kind)?;
    if let Some(condition) = &call.if_none_exist
        && let Some(id) = matching(desk, kind, condition)?
    {
        let (version, resource) = desk.store.current(kind, &id)?;
        let answer = Answer::resource(StatusCode::OK, version, resource.clone());
        return Ok(finish(desk, call, kind, &id, answer));
    }
    let id = call.promised_id.clone().unwrap_or_else(|| desk.store.next_id(kind));
    put(desk, call, kind, &id, content)
}

pub(super) fn update(desk: &mut Desk<'_>, call: &Call, kind: &str, id: &str) -> Result<Answer, Refusal> {
    let content = call.resource(kind)?;
    if !is_id(id) {
        return Err(Refusal::bad_request("an id has 1 to 64 letters, digits, `-` and `.`"));
    }
    match content.get("id").and_then(Value::as_str) {
        Some(named) if named == id => {}
        Some(_) => return Err(Refusal::bad_request("the id of the resource is not the id of the URL")),
        None => return Err(Refusal::bad_request("the resource must have the id of the URL")),
    }
    check_version(desk, call, kind, id)?;
    check_that_it_was_there(desk, call, kind, id)?;
    put(desk, call, kind, id, content)
}

/// On Medplum, only the server chooses ids, which are UUIDs.
fn check_that_it_was_there(desk: &Desk<'_>, call: &Call, kind: &str, id: &str) -> Result<(), Refusal> {
    let is_free = desk.settings.behaviour != Behaviour::Medplum || call.is_by_hand;
    if is_free || desk.store.newest(kind, id).is_some() {
        return Ok(());
    }
    match is_uuid(id) {
        true => Err(Refusal::unknown(format!("there is no {kind}/{id}, and Medplum gives ids itself"))),
        false => Err(Refusal::bad_request("the id is no UUID, as all of Medplum's are")),
    }
}

pub(super) fn conditional_update(desk: &mut Desk<'_>, call: &Call, kind: &str) -> Result<Answer, Refusal> {
    let content = call.resource(kind)?;
    let named = content.get("id").and_then(Value::as_str).map(str::to_owned);
    let id = match (matching(desk, kind, &call.query)?, named) {
        (Some(found), Some(named)) if found != named => {
            return Err(Refusal::bad_request("the id of the resource is not the id of the one that matches"));
        }
        (Some(found), _) => found,
        (None, Some(named)) if is_id(&named) => named,
        (None, _) => call.promised_id.clone().unwrap_or_else(|| desk.store.next_id(kind)),
    };
    check_version(desk, call, kind, &id)?;
    put(desk, call, kind, &id, content)
}

pub(super) fn patch(desk: &mut Desk<'_>, call: &Call, kind: &str, id: &str) -> Result<Answer, Refusal> {
    if call.media_type().as_deref().is_some_and(|media_type| media_type != "application/json-patch+json") {
        return Err(Refusal::unsupported(
            "the sandbox patches by JSON Patch only (`application/json-patch+json`)",
        )
        .with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    if heeds_versions(desk) {
        check_version(desk, call, kind, id)?;
    }
    let (_, resource) = desk.store.current(kind, id)?;
    let patched = apply(Value::clone(resource), &call.json()?)?;
    match patched {
        Value::Object(content)
            if content.get("resourceType") == Some(&kind.into()) && content.get("id") == Some(&id.into()) =>
        {
            put(desk, call, kind, id, content)
        }
        _ => Err(Refusal::unprocessable("a patch cannot change the type or the id of a resource")),
    }
}

pub(super) fn delete(desk: &mut Desk<'_>, call: &Call, kind: &str, id: &str) -> Result<Answer, Refusal> {
    if heeds_versions(desk) {
        check_version(desk, call, kind, id)?;
    }
    desk.store.delete(kind, id, desk.now);
    // A missing resource counts as deleted.
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

pub(super) fn conditional_delete(desk: &mut Desk<'_>, call: &Call, kind: &str) -> Result<Answer, Refusal> {
    if let Some(id) = matching(desk, kind, &call.query)? {
        desk.store.delete(kind, &id, desk.now);
    }
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

/// The id of the one resource that matches a condition. Several matches are refused.
pub(crate) fn matching(desk: &Desk<'_>, kind: &str, condition: &str) -> Result<Option<String>, Refusal> {
    let condition = condition.split_once('?').map_or(condition, |(_, query)| query);
    let pairs = query::pairs(condition);
    if pairs.is_empty() {
        return Err(Refusal::bad_request("a conditional write needs search parameters"));
    }
    let search = Search::parse(kind, &pairs, desk.settings.fhir_version)?;
    match desk.store.find(kind, |resource| search.matches(resource, desk.context())).as_slice() {
        [] => Ok(None),
        [(_, resource)] => Ok(resource["id"].as_str().map(str::to_owned)),
        _ => Err(Refusal::precondition("more than one resource matches the condition")),
    }
}

fn put(
    desk: &mut Desk<'_>,
    call: &Call,
    kind: &str,
    id: &str,
    content: Map<String, Value>,
) -> Result<Answer, Refusal> {
    #[cfg(feature = "sample")]
    if desk.settings.validates && !call.is_by_hand {
        let (version, behaviour) = (desk.settings.fhir_version, desk.settings.behaviour);
        required::check(kind, &content, version)?;
        shape::check(kind, &content, version, behaviour)?;
    }
    if matches!(kind, "Subscription" | "SubscriptionTopic" | "Basic") {
        let resource = Value::Object(content.clone());
        Topic::of_resource(kind, &resource, desk.settings.fhir_version)?;
        if kind == "Subscription" {
            RestHook::read(&resource, desk.settings, desk.store)?;
        }
    }
    let written = desk.store.put(kind, id, content, desk.now);
    let status = if written.created { StatusCode::CREATED } else { StatusCode::OK };
    let answer = Answer::resource(status, &written.version, written.resource);
    Ok(finish(desk, call, kind, id, answer))
}

/// Adds `Location`, and removes the content if the client does not want it.
fn finish(desk: &Desk<'_>, call: &Call, kind: &str, id: &str, mut answer: Answer) -> Answer {
    let version = desk.store.newest(kind, id).map_or(1, |version| version.number);
    answer.location = Some(format!("{}/{kind}/{id}/_history/{version}", desk.settings.base_url));
    if call.minimal {
        answer.body = None;
    }
    answer
}

/// Medplum checks `If-Match` only for an update.
fn heeds_versions(desk: &Desk<'_>) -> bool {
    desk.settings.behaviour != Behaviour::Medplum
}

/// Checks that `If-Match` names the current version.
fn check_version(desk: &Desk<'_>, call: &Call, kind: &str, id: &str) -> Result<(), Refusal> {
    let Some(wanted) = &call.if_match else { return Ok(()) };
    let wanted = crate::fhir::reference::entity_tag_version(wanted);
    match desk.store.current(kind, id) {
        Ok((version, _)) if version.number.to_string() == wanted => Ok(()),
        Ok((version, _)) => Err(Refusal::precondition(format!(
            "{kind}/{id} is in version {}, not in the one of `If-Match`",
            version.number
        ))),
        Err(_) => Err(Refusal::precondition(format!("there is no {kind}/{id} for `If-Match`"))),
    }
}

fn is_uuid(id: &str) -> bool {
    let parts = id.split('-');
    parts.clone().map(str::len).eq([8, 4, 4, 4, 12])
        && parts.flat_map(str::bytes).all(|byte| byte.is_ascii_hexdigit())
}

fn is_id(id: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    (1..=64).contains(&id.len()) && id.bytes().all(is_allowed)
}
