//! Reading what a notification names and does not carry, or carries without being believed.
//!
//! It is read from the app's own FHIR server, or, where it is on another, from the source of that base URL, if `setup` has
//! named one. No other host that a notification names is ever called.

use std::time::Duration;

use tracing::info;

use super::failure::Failure;
use super::history::version_of_deletion;
use super::identity::{identify, is_asked_for, last_updated};
use super::reader::{Read, Reader, Readers, Wanted, wanted};
use super::version::version_of;
use crate::app::App;
use crate::contain::contain;
use crate::deadline::Deadline;
use crate::declaration::{Declaration, Trust};
use crate::decode::Happened;
use crate::event::Event;
use crate::extract::ResourceUse;
use crate::fhir::{Instant, Reference};
use crate::interaction::Interaction;
use crate::store::Identity;

/// How long it may take to find out which versions deletions are.
const TO_TELL_VERSIONS: Duration = Duration::from_secs(2);

/// What it takes for a resource to count as deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deletion {
    /// That the notification says so.
    Told,
    /// That the server, asked for the resource, has it no more.
    Confirmed,
}

impl Deletion {
    /// In what the server itself was asked for.
    pub(crate) fn in_answer(declaration: &Declaration) -> Self {
        if declaration.trust == Trust::Notification { Self::Told } else { Self::Confirmed }
    }
}

/// What must be read for an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Its resource: it is used, and named without being there or without being believed.
    Resource,
    /// Whether it is deleted, which counts only once the server confirms it; or in which version.
    Deletion,
    /// Its version, which nothing tells.
    Version,
}

/// The places of the events for which the server must be asked.
pub(crate) fn missing(
    app: &App,
    declaration: &Declaration,
    deletion: Deletion,
    events: &[Happened<'_>],
) -> Vec<(usize, Need)> {
    let is_believed = declaration.trust == Trust::Notification;
    let is_used = declaration.uses.resource != ResourceUse::Unused;
    let need = |Happened { event, resource, mistake, .. }: &Happened<'_>| {
        let need = match event.interaction {
            Interaction::Delete
                if deletion == Deletion::Confirmed || lacks_version(app, declaration, event) =>
            {
                Need::Deletion
            }
            Interaction::Delete => return None,
            _ if is_used && (resource.is_none() || !is_believed) => Need::Resource,
            // Once it was given up, an event is known by the name that it had.
            _ if event.version_id.is_none()
                && event.retry.is_none()
                && mistake.is_none()
                && is_asked_for(app, declaration) =>
            {
                Need::Version
            }
            _ => return None,
        };
        (wanted(app, event).is_some() && declaration.is_wanted(event)).then_some(need)
    };
    (0..events.len()).filter_map(|place| Some((place, need(&events[place])?))).collect()
}

/// Whether nothing tells a deletion from the next one of its resource: told again, or found by a sweep, it would count as
/// another.
fn lacks_version(app: &App, declaration: &Declaration, event: &Event) -> bool {
    event.interaction == Interaction::Delete
        && is_asked_for(app, declaration)
        && identify(app, declaration, event, None).is_some_and(|entry| entry.identity == Identity::Passing)
}

/// Asks for what is `missing`: for each of all events what came of it, if it is one of those.
///
/// `tells_versions` is whether the server is asked which versions deletions are: until it does not answer in time.
pub(crate) async fn read(
    app: &App,
    declaration: &Declaration,
    deletion: Deletion,
    events: &[Happened<'_>],
    missing: &[(usize, Need)],
    deadline: Deadline,
    tells_versions: &mut bool,
) -> Vec<Option<Read>> {
    let is_believed = declaration.trust == Trust::Notification;
    let to_read = |(place, need): &(usize, Need)| Some((*place, *need, wanted(app, &events[*place].event)?));
    let wanted: Vec<_> = missing.iter().filter_map(to_read).collect();
    let mut reads = vec![None; events.len()];
    let reading = async {
        let mut readers = Readers::new(deadline);
        let mut several: Vec<_> = wanted
            .iter()
            .filter(|(place, need, _)| match need {
                Need::Resource => true,
                Need::Deletion => false,
                // What a search shows may be older, which must not stand for what the event is of.
                Need::Version => happened(&events[*place]).is_some(),
            })
            .map(|(_, _, wanted)| *wanted)
            .collect();
        while let Some(first) = several.first().copied() {
            let (its, others) = several.into_iter().partition(|wanted| wanted.server == first.server);
            let its: Vec<_> = its;
            readers.of(first).find_several(its.iter().map(|wanted| wanted.reference)).await;
            several = others;
        }
        for (place, need, wanted) in &wanted {
            let (reader, reference) = (readers.of(*wanted), wanted.reference);
            reads[*place] = Some(match need {
                Need::Deletion if deletion == Deletion::Told => Read::Deleted(None),
                Need::Deletion => reader.confirm(reference).await,
                Need::Resource => {
                    reader.forget_older(reference, happened(&events[*place]));
                    reader.read(reference).await
                }
                Need::Version => {
                    reader.forget_older(reference, happened(&events[*place]));
                    let told = events[*place].resource.filter(|_| is_believed);
                    version_of(reader, reference, told).await
                }
            });
        }
        let lacking: Vec<_> = wanted
            .iter()
            .filter(|(place, ..)| *tells_versions && lacks_version(app, declaration, &events[*place].event))
            .map(|(place, _, wanted)| (*place, *wanted))
            .collect();
        if !lacking.is_empty() {
            // What was not found out by then must not keep the events from their handler.
            let limit = Deadline::after(TO_TELL_VERSIONS).min(deadline.sooner_by_half());
            let telling = tell_versions(limit, declaration.endpoint, &lacking, &mut reads);
            *tells_versions = tokio::time::timeout_at(limit.instant(), telling).await.unwrap_or(false);
        }
    };
    // A token provider of the user's runs in it.
    let ended = contain(reading).await;
    if ended.is_err() {
        for (place, ..) in wanted {
            reads[place].get_or_insert(Read::Failed(Failure::PANICKED));
        }
    }
    reads
}

/// When an event happened, or its resource was written.
fn happened(Happened { event, resource, .. }: &Happened<'_>) -> Option<Instant> {
    event.timestamp().and_then(Instant::parse).or_else(|| last_updated((*resource)?))
}

/// Finds out which versions the deletions are: those of which it is not found out are handled all the same, and once more
/// by a sweep. Says whether it is of use to ask for others.
async fn tell_versions(
    limit: Deadline,
    endpoint: &str,
    deleted: &[(usize, Wanted<'_>)],
    reads: &mut [Option<Read>],
) -> bool {
    for (place, deleted) in deleted {
        let Some(Read::Deleted(version)) = &mut reads[*place] else { continue };
        let client = deleted.client.with_deadline(limit);
        match version_of_deletion(&client, deleted.reference).await {
            Ok(told) => *version = told,
            Err(error) => {
                info!(endpoint, error.text = %error, "it was not found out which version a deletion is");
                if error.is_transient() {
                    return false;
                }
            }
        }
    }
    true
}

/// Whether the server has the resource of an event now.
pub(super) async fn is_there(app: &App, event: &Event, deadline: Deadline) -> Result<bool, Failure> {
    let Some(Wanted { client, reference, .. }) = wanted(app, event) else { return Ok(true) };
    let mut reader = Reader::new(client.with_deadline(deadline));
    // A token provider of the user's runs in it.
    match contain(reader.read(Reference { version_id: None, ..reference })).await {
        Ok(Read::Failed(failure)) => Err(failure),
        Ok(read) => Ok(matches!(read, Read::Found(_))),
        Err(_panicked) => Err(Failure::PANICKED),
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
