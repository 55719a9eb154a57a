//! The notification of a criteria: one resource, or the name of one.

use http::Method;

use super::{Counted, Decoded, Expected, Happened, Undecodable, json_text, payload_search, reference};
use crate::declaration::{Content, Declaration};
use crate::event::Event;
use crate::fhir::reference::{entity_tag_version, id_mistake};
use crate::fhir::{Reference, is_id, is_type_name};
use crate::interaction::Interaction;
use crate::json::Outline;
use crate::request::Head;

/// Whether a body has nothing of a resource: it is empty, or Medplum's `{}` for a deletion, in any spelling.
pub(crate) fn says_nothing(body: &[u8]) -> bool {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body).trim_ascii();
    let inside = body.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}"));
    body.is_empty() || inside.is_some_and(|inside| inside.trim_ascii().is_empty())
}

/// Decodes the notification of a criteria, as HAPI, Medplum, Firely and the R4 specification send it. It is a
/// `PUT` or `DELETE` that names the resource in its path, or a `POST`. The body of a `POST` is the resource,
/// nothing, Medplum's `{}` for a deletion, or the results of HAPI's search for a payload. A `PUT` without a
/// body only names the resource.
///
/// `reference` is the resource in the path.
pub(super) fn decode<'a>(
    head: &Head<'_>,
    expected: &Expected<'_>,
    reference: Option<String>,
    body: &'a [u8],
) -> Result<Decoded<'a>, Undecodable> {
    let declaration = expected.declaration;
    let mut event = Event::unknown();
    if let Some(id) = head.headers.get("x-medplum-subscription").text().filter(|id| is_id(id)) {
        event.subscription = Some(format!("Subscription/{id}"));
    }
    let is_empty = || says_nothing(body);
    match head.headers.get("x-medplum-interaction").text() {
        Some("create") => event.interaction = Interaction::Create,
        Some("update") => event.interaction = Interaction::Update,
        Some("delete") => event.interaction = Interaction::Delete,
        // An older Medplum says a deletion only by the name of the resource. Its `{}` is missing if a queue carries references.
        None if *head.method == Method::POST
            && is_empty()
            && head.headers.get("x-medplum-deleted-resource").text().is_some() =>
        {
            event.interaction = Interaction::Delete;
        }
        _ => {}
    }
    if *head.method == Method::DELETE {
        event.interaction = Interaction::Delete;
    }

    // The body of Medplum's deletion is `{}`. A request with a resource is not a deletion.
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
                    Ok(one(event, None))
                }
                Some((resource_type, id)) if is_type_name(resource_type) && !id.contains('/') => {
                    Err(Undecodable::unprocessable(id_mistake(id).unwrap_or(NOT_NAMED)))
                }
                _ => Err(Undecodable::unprocessable(NOT_NAMED)),
            },
        };
    }

    if body.trim_ascii().is_empty() {
        return match reference {
            // FHIR Works on AWS sends only the path, with the content type of a form.
            Some(reference) => {
                let resource_type = reference.split_once('/').map_or("", |(resource_type, _)| resource_type);
                expect_type(declaration, resource_type)?;
                event.version_id = head.headers.get("if-match").text().and_then(valid_version);
                event.focus = Some(reference);
                Ok(one(event, None))
            }
            None if declaration.content == Content::Empty => Ok(one(event, None)),
            None => Err(Undecodable::unprocessable("the notification carries no resource")),
        };
    }
    let resource = json_text(head, body)?;
    let outline = Outline::read(resource)
        .map_err(|mistake| Undecodable::of(mistake, resource, "the body is not a FHIR resource"))?;
    if reference.is_none() && &*outline.resource_type == "Bundle" {
        let watched = declaration.trigger.resource_type();
        // A Bundle with an id may be the resource itself, if the criteria watches any type.
        if watched.map_or(outline.id.is_none(), |watched| watched != "Bundle") {
            return payload_search::decode(&event, watched, resource, expected);
        }
    }
    expect_type(declaration, &outline.resource_type)?;

    let id = outline.id.as_deref();
    let id = id.ok_or_else(|| Undecodable::unprocessable("the resource has no id"))?;
    if let Some(mistake) = id_mistake(id) {
        return Err(Undecodable::unprocessable(mistake));
    }
    let focus =
        reference::relative(Reference { resource_type: &outline.resource_type, id, version_id: None });
    if reference.is_some_and(|reference| reference != focus) {
        return Err(Undecodable::unprocessable("the resource is not the one that the path names"));
    }
    event.focus = Some(focus);
    event.version_id = match outline.version_id() {
        Some(version_id) => Some(version_id).filter(|version_id| is_id(version_id)).map(str::to_owned),
        None => head.headers.get("if-match").text().and_then(valid_version),
    };
    Ok(one(event, Some(resource)))
}

/// The version in an entity tag, if it may stand in a URL.
fn valid_version(tag: &str) -> Option<String> {
    let version_id = entity_tag_version(tag);
    is_id(version_id).then(|| version_id.to_owned())
}

const NOT_NAMED: &str = "the deletion does not name its resource as Type/id";

fn one(event: Event, resource: Option<&str>) -> Decoded<'_> {
    Decoded::Events(vec![Happened::new(event, resource)], Counted::default())
}

/// The resource must have the type that the subscription watches, if there is one type.
fn expect_type(declaration: &Declaration, resource_type: &str) -> Result<(), Undecodable> {
    match declaration.trigger.resource_type() {
        Some(expected) if expected != resource_type => {
            Err(Undecodable::unprocessable("the resource is not of the type that the subscription watches"))
        }
        _ => Ok(()),
    }
}
