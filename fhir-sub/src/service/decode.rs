//! From a request to the event that it notifies of.

use http::Method;
use serde::Deserialize;

use super::{Answer, Head, Header};
use crate::declaration::{Content, Declaration};
use crate::event::Event;
use crate::fhir::reference::entity_tag_version;
use crate::fhir::{is_id, is_json, is_type_name};
use crate::interaction::Interaction;
use crate::rejection::not_well_formed;
use crate::text::Text;

/// An event, and the resource that came with it.
#[derive(Debug)]
pub(super) struct Decoded<'a> {
    pub(super) event: Event,
    pub(super) resource: Option<&'a str>,
}

/// Why a request is no notification.
#[derive(Debug)]
pub(super) struct Undecodable {
    pub(super) answer: Answer,
    /// What the log says of it.
    pub(super) outcome: &'static str,
}

impl Undecodable {
    pub(super) fn malformed(text: &str) -> Self {
        Self { answer: Answer::malformed(text), outcome: "malformed" }
    }

    pub(super) fn unprocessable(text: &str) -> Self {
        Self { answer: Answer::unprocessable(text), outcome: "unprocessable" }
    }
}

/// What is known of a resource before it is read into the handler's own type.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outline<'a> {
    #[serde(borrow)]
    resource_type: Text<'a>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    meta: Option<Meta<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta<'a> {
    #[serde(borrow)]
    version_id: Option<Text<'a>>,
}

/// Reads the notification of a criteria subscription, as HAPI, Medplum, Firely and the R4 specification
/// send it: a `PUT` or `DELETE` that names the resource in its path, or a `POST` of the resource, of
/// nothing, or of Medplum's `{}` for a deletion.
///
/// `reference` is what the path names.
pub(super) fn decode<'a>(
    head: &Head<'_>,
    declaration: &Declaration,
    reference: Option<String>,
    body: &'a [u8],
) -> Result<Decoded<'a>, Undecodable> {
    let mut event = Event::unknown();
    if let Some(id) = head.headers.get("x-medplum-subscription").text().filter(|id| is_id(id)) {
        event.subscription = Some(format!("Subscription/{id}"));
    }
    match head.headers.get("x-medplum-interaction").text() {
        Some("create") => event.interaction = Interaction::Create,
        Some("update") => event.interaction = Interaction::Update,
        Some("delete") => event.interaction = Interaction::Delete,
        _ => {}
    }
    if *head.method == Method::DELETE {
        event.interaction = Interaction::Delete;
    }

    // Medplum's deletion is the body `{}` itself: a resource that comes with it is no deletion.
    let is_empty = || matches!(body.trim_ascii(), b"" | b"{}");
    if *head.method != Method::DELETE && event.interaction == Interaction::Delete && !is_empty() {
        return Err(Undecodable::unprocessable("a deletion carries no resource"));
    }
    if event.interaction == Interaction::Delete {
        let medplums = head.headers.get("x-medplum-deleted-resource").text();
        event.focus = reference.or_else(|| medplums.map(str::to_owned));
        return match &event.focus {
            None => Err(Undecodable::unprocessable("the deletion names no resource")),
            Some(focus) => match focus.split_once('/') {
                Some((resource_type, id)) if is_type_name(resource_type) && is_id(id) => {
                    expect_type(declaration, resource_type)?;
                    Ok(Decoded { event, resource: None })
                }
                _ => Err(Undecodable::unprocessable("the deletion does not name its resource as Type/id")),
            },
        };
    }

    if body.is_empty() && reference.is_none() && declaration.content == Content::Empty {
        return Ok(Decoded { event, resource: None });
    }
    if body.is_empty() {
        return Err(Undecodable::unprocessable("the notification carries no resource"));
    }
    match head.headers.get("content-type") {
        Header::Absent => {}
        header if header.text().is_some_and(is_json) => {}
        _ => return Err(Undecodable { answer: Answer::not_json(), outcome: "not JSON" }),
    }
    let resource = std::str::from_utf8(body).map_err(|_| Undecodable::malformed("the body is not UTF-8"))?;
    let outline = outline(resource)?;
    expect_type(declaration, &outline.resource_type)?;

    let id = outline.id.as_deref().filter(|id| is_id(id));
    let id = id.ok_or_else(|| Undecodable::unprocessable("the resource has no id"))?;
    let focus = format!("{}/{id}", &*outline.resource_type);
    if reference.is_some_and(|reference| reference != focus) {
        return Err(Undecodable::unprocessable("the resource is not the one that the path names"));
    }
    event.focus = Some(focus);
    let version_id = outline.meta.as_ref().and_then(|meta| meta.version_id.as_deref());
    event.version_id = version_id
        .or_else(|| head.headers.get("if-match").text().map(entity_tag_version))
        .filter(|version_id| is_id(version_id))
        .map(str::to_owned);
    Ok(Decoded { event, resource: Some(resource) })
}

/// Scans a resource without building anything of it.
fn outline(resource: &str) -> Result<Outline<'_>, Undecodable> {
    let outline: Outline<'_> = serde_json::from_str(resource).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Undecodable::unprocessable("the body is not a FHIR resource"),
        _ => Undecodable::malformed(&not_well_formed(&error)),
    })?;
    // serde reads a struct out of a list, too.
    if resource.trim_ascii_start().starts_with('{') && is_type_name(&outline.resource_type) {
        Ok(outline)
    } else {
        Err(Undecodable::unprocessable("the body is not a FHIR resource"))
    }
}

/// The resource must be of the type that the subscription watches, if it watches one only.
fn expect_type(declaration: &Declaration, resource_type: &str) -> Result<(), Undecodable> {
    match declaration.trigger.resource_type() {
        Some(expected) if expected != resource_type => {
            Err(Undecodable::unprocessable("the resource is not of the type that the subscription watches"))
        }
        _ => Ok(()),
    }
}
