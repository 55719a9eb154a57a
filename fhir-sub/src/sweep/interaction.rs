//! What happened to a resource that was found: a search does not say.

use http::StatusCode;
use serde::de::IgnoredAny;

use crate::client::{Error, FhirClient};
use crate::declaration::Declaration;
use crate::delivery::history;
use crate::fhir::reference::entity_tag_version;
use crate::fhir::{BundleEntry, Reference};
use crate::interaction::Interaction;
use crate::memory::Version;

/// How many pages of a history are looked at. What was found is mostly the newest version.
const PAGES: usize = 10;

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
    let mut history = client.history::<IgnoredAny>(resource_type, id);
    let (mut is_found, mut count) = (false, 0);
    for _ in 0..PAGES {
        let page = match history.next_page().await {
            Some(Ok(page)) => page,
            Some(Err(error)) if error.is_transient() || is_refusal(&error) => return Err(error),
            Some(Err(_)) | None => return Ok(Interaction::Unknown),
        };
        count += page.found.len() as u64;
        // Medplum shows a hundred versions of however many, without a link to more.
        let is_whole = page.is_last() && page.said.total.is_none_or(|total| total <= count);
        let is_last = page.is_last();
        for entry in page.found {
            if is_found {
                // What a resource was before tells a creation where the entry itself does not.
                return Ok(match history::Version::read(entry) {
                    Some(before) if before.is_deletion => Interaction::Create,
                    Some(_) => Interaction::Update,
                    None => Interaction::Unknown,
                });
            }
            if is_of(&entry, version) {
                if let Some(told) = told(&entry) {
                    return Ok(told);
                }
                is_found = true;
            }
        }
        if is_last {
            // The first version of all may have been put there under an id of the client's choice.
            let is_first = is_found && (is_whole || version.version == "1");
            return Ok(if is_first { Interaction::Create } else { Interaction::Unknown });
        }
    }
    Ok(Interaction::Unknown)
}

/// Whether an entry is of the version.
fn is_of(entry: &BundleEntry<IgnoredAny>, version: &Version) -> bool {
    let is_it = |version_id: &str| version_id == version.version;
    let response = entry.response.as_ref();
    let etag = response.and_then(|response| response.etag.as_deref()).map(entity_tag_version);
    let location = response.and_then(|response| response.location.as_deref());
    let urls = [entry.request.as_ref().map(|request| &*request.url), location, entry.full_url.as_deref()];
    let mut versions = urls.into_iter().flatten().filter_map(|url| Reference::parse(url)?.version_id);
    etag.is_some_and(is_it) || versions.any(is_it)
}

/// What the entry says of itself. A `PUT` and Medplum's `GET` may stand for either.
fn told(entry: &BundleEntry<IgnoredAny>) -> Option<Interaction> {
    let request = entry.request.as_ref();
    let is_created = entry.response.as_ref().is_some_and(|response| response.status.starts_with("201"))
        || request.is_some_and(|request| request.if_none_match.as_deref() == Some("*"));
    match request.map_or("", |request| &*request.method) {
        _ if is_created => Some(Interaction::Create),
        "POST" => Some(Interaction::Create),
        "PATCH" => Some(Interaction::Update),
        _ => None,
    }
}

/// Whether it is the program that is kept from asking, and not the server that does not know.
fn is_refusal(error: &Error) -> bool {
    let status = error.status().and_then(|status| StatusCode::from_u16(status).ok());
    matches!(status, Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN))
}
