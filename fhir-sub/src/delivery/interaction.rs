//! Whether a version was created or updated, if neither a notification nor a search says so.

use serde::de::IgnoredAny;

use super::failure::Failure;
use super::history;
use super::reader::{Wanted, wanted};
use crate::app::App;
use crate::client::{Error, FhirClient};
use crate::contain::contain;
use crate::deadline::Deadline;
use crate::declaration::Declaration;
use crate::event::Event;
use crate::fhir::reference::entity_tag_version;
use crate::fhir::{BundleEntry, Instant, Reference};
use crate::interaction::Interaction;

/// The most pages of a history that are read. Usually the version is the newest one.
const PAGES: usize = 10;

/// Whether we must find out if an event is a creation: `on` wants only creations or only updates, and the
/// event does not say which of them it is.
pub(super) fn is_sought(declaration: &Declaration, event: &Event) -> bool {
    let wanted = declaration.interactions;
    let is_named = event.focus().is_some() || event.elsewhere().is_some();
    event.interaction == Interaction::Unknown && wanted.create != wanted.update && is_named
}

/// Finds the interaction that created the event's version. The first version is a creation; for other
/// versions, the history of the resource is asked. If the history does not say, the interaction stays
/// unknown, and the event is wanted.
pub(super) async fn find_out(
    app: &App,
    event: &Event,
    updated: Option<Instant>,
    deadline: Deadline,
) -> Result<Interaction, Failure> {
    let version_id = event.version_id();
    if version_id == Some(FIRST) {
        return Ok(Interaction::Create);
    }
    let Some(Wanted { client, reference, .. }) = wanted(app, event) else { return Ok(Interaction::Unknown) };
    if version_id.is_none() && updated.is_none() {
        return Ok(Interaction::Unknown);
    }
    let sought = Sought { version_id, updated };
    // The request may run a token provider of the user's.
    match contain(by_history(&client.with_deadline(deadline), reference, &sought)).await {
        Ok(told) => told.map_err(|error| Failure::of_reading(&error)),
        Err(_panicked) => Err(Failure::PANICKED),
    }
}

/// The id of the first version, on servers that count versions.
const FIRST: &str = "1";

/// The version to find: by its id, or without one, by the time when it was written.
struct Sought<'v> {
    version_id: Option<&'v str>,
    updated: Option<Instant>,
}

async fn by_history(
    client: &FhirClient,
    Reference { resource_type, id, .. }: Reference<'_>,
    sought: &Sought<'_>,
) -> Result<Interaction, Error> {
    let mut history = client.history::<IgnoredAny>(resource_type, id);
    let (mut is_found, mut count) = (false, 0);
    for _ in 0..PAGES {
        let page = match history.next_page().await {
            Some(Ok(page)) => page,
            Some(Err(error)) if error.is_transient() || is_refusal(&error) => return Err(error),
            Some(Err(_)) | None => return Ok(Interaction::Unknown),
        };
        count += page.found.len() as u64;
        // Medplum shows at most a hundred versions, and no link to more.
        let is_last = page.is_last;
        let is_whole = is_last && page.said.total.is_none_or(|total| total <= count);
        for entry in page.found {
            if is_found {
                // If the entry itself does not say, the version before it does: after a deletion, it is a
                // creation.
                return Ok(match history::Version::read(entry) {
                    Some(before) if before.is_deletion => Interaction::Create,
                    Some(_) => Interaction::Update,
                    None => Interaction::Unknown,
                });
            }
            if sought.is(&entry) {
                if let Some(told) = told(&entry) {
                    return Ok(told);
                }
                is_found = true;
            }
        }
        if is_last {
            // The first version of all may be an update: a `PUT` with an id that the client chose.
            return Ok(if is_found && is_whole { Interaction::Create } else { Interaction::Unknown });
        }
    }
    Ok(Interaction::Unknown)
}

impl Sought<'_> {
    /// Whether an entry is of the sought version.
    fn is(&self, entry: &BundleEntry<IgnoredAny>) -> bool {
        let response = entry.response.as_ref();
        let Some(sought) = self.version_id else {
            let at = response.and_then(|response| Instant::parse(response.last_modified.as_deref()?));
            return at.is_some() && at == self.updated;
        };
        let is_it = |version_id: &str| version_id == sought;
        let etag = response.and_then(|response| response.etag.as_deref()).map(entity_tag_version);
        let location = response.and_then(|response| response.location.as_deref());
        let urls = [entry.request.as_ref().map(|request| &*request.url), location, entry.full_url.as_deref()];
        let mut versions = urls.into_iter().flatten().filter_map(|url| Reference::parse(url)?.version_id);
        etag.is_some_and(is_it) || versions.any(is_it)
    }
}

/// The interaction that the entry itself states. A `PUT`, and Medplum's `GET`, may be a creation or an
/// update.
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

/// Whether the server does not accept the sign-in. With another refusal, the history does not say.
fn is_refusal(error: &Error) -> bool {
    error.status() == Some(401)
}
