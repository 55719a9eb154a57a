//! What happened to a resource that was found: a search does not say.

use http::StatusCode;
use serde::de::IgnoredAny;

use crate::client::{Error, FhirClient};
use crate::declaration::Declaration;
use crate::delivery::history;
use crate::fhir::Reference;
use crate::fhir::reference::entity_tag_version;
use crate::interaction::Interaction;
use crate::memory::Version;

/// What made this version, by the history of its resource. It is asked for only where `on` wants the one and not the other
/// of creates and updates; where the server does not say, it stays unknown, and is wanted.
pub(super) async fn interaction(
    client: &FhirClient,
    declaration: &Declaration,
    version: Option<&Version>,
) -> Result<Interaction, Error> {
    let wanted = declaration.interactions;
    let (true, Some(version)) = (wanted.create != wanted.update, version) else {
        return Ok(Interaction::Unknown);
    };
    let Some(Reference { resource_type, id, .. }) = Reference::parse(&version.reference) else {
        return Ok(Interaction::Unknown);
    };
    let page = match client.history::<IgnoredAny>(resource_type, id).next_page().await {
        Some(Ok(page)) => page,
        Some(Err(error)) if error.is_transient() || is_refusal(&error) => return Err(error),
        Some(Err(_)) | None => return Ok(Interaction::Unknown),
    };
    let is_it = |etag: &str| entity_tag_version(etag) == version.version;
    let (mut entries, is_whole) = (page.found.into_iter(), page.is_last);
    let entry = entries.find(|entry| {
        let etag = entry.response.as_ref().and_then(|response| response.etag.as_deref());
        let url = entry.request.as_ref().and_then(|request| Reference::parse(&request.url));
        etag.is_some_and(is_it) || url.and_then(|url| url.version_id).is_some_and(is_it)
    });
    let method = entry.and_then(|entry| entry.request).map(|request| request.method);
    Ok(match method.as_deref() {
        Some("POST") => Interaction::Create,
        // The first version may have been put there under an id of the client's choice.
        Some("PUT") if version.version == "1" => Interaction::Create,
        Some("PUT" | "PATCH") => Interaction::Update,
        // Medplum's, of any version: which it is the version before it tells.
        Some("GET") => match entries.next().map(history::Version::read) {
            Some(Some(before)) if before.is_deletion => Interaction::Create,
            Some(Some(_)) => Interaction::Update,
            None if is_whole => Interaction::Create,
            Some(None) | None => Interaction::Unknown,
        },
        _ => Interaction::Unknown,
    })
}

/// Whether it is the program that is kept from asking, and not the server that does not know.
fn is_refusal(error: &Error) -> bool {
    let status = error.status().and_then(|status| StatusCode::from_u16(status).ok());
    matches!(status, Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN))
}
