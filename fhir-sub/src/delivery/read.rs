//! Reads resources that a notification names but does not carry, or that it carries without being trusted.
//!
//! A resource is read from the app's own FHIR server. If the resource is on another server, it is read from
//! the source with that base URL, if `setup` has named one. The program calls no other host that a
//! notification names.

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
use crate::declaration::{Declaration, Order, Trust};
use crate::decode::Happened;
use crate::event::Event;
use crate::extract::ResourceUse;
use crate::fhir::{Instant, Reference};
use crate::interaction::Interaction;
use crate::store::Identity;

/// The time limit for finding the versions of deletions.
const TO_TELL_VERSIONS: Duration = Duration::from_secs(2);

/// The proof that counts for a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deletion {
    /// The notification says so.
    Told,
    /// The server, asked for the resource, does not have it any more.
    Confirmed,
}

impl Deletion {
    /// The proof for events that the server itself returned.
    pub(crate) fn in_answer(declaration: &Declaration) -> Self {
        if declaration.trust == Trust::Notification { Self::Told } else { Self::Confirmed }
    }
}

/// The reason to ask the server about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Its resource: the handler uses it, and the notification does not carry it or is not trusted.
    Resource,
    /// Its deletion: the server must confirm it, or say its version.
    Deletion,
    /// Its version, which the notification does not say.
    Version,
}

/// The places of the events that the server must be asked about.
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
            _ if mistake.is_some() || !is_asked_for(app, declaration) => return None,
            _ => {
                let is_needed = match event.version_id {
                    // A dead letter keeps the identity under which it was given up.
                    None => event.retry.is_none(),
                    // Only its time tells whether the version is older than a handled one.
                    Some(_) => {
                        let is_timed = event.updated.is_some() || (resource.is_some() && is_believed);
                        declaration.order == Order::Latest && !is_timed
                    }
                };
                if !is_needed {
                    return None;
                }
                Need::Version
            }
        };
        (wanted(app, event).is_some() && declaration.is_wanted(event)).then_some(need)
    };
    (0..events.len()).filter_map(|place| Some((place, need(&events[place])?))).collect()
}

/// Whether the deletion has no version to distinguish it from the next deletion of the same resource. Then a
/// repeated report, or a sweep that finds it, would count as another deletion.
fn lacks_version(app: &App, declaration: &Declaration, event: &Event) -> bool {
    event.interaction == Interaction::Delete
        && is_asked_for(app, declaration)
        && event.version_id.is_none()
        && (event.updated.is_some()
            || identify(app, declaration, event, None)
                .is_some_and(|entry| entry.identity == Identity::Passing))
}

/// Asks the server about the `missing` events. The result has a place for each event, which is set if the
/// event is among `missing`.
///
/// `tells_versions` says whether to ask the server for the versions of deletions. It becomes false once the
/// server does not answer in time.
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
            .filter(|(place, need, _)| {
                // The search may return an older version. Only the time or the version of the event shows that.
                let happened_at = happened(&events[*place]);
                let is_comparable = happened_at.is_some() || events[*place].event.version_id.is_some();
                *need != Need::Deletion && is_comparable
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
                    let event = &events[*place].event;
                    match reader.read(reference).await {
                        // The event keeps its identity: the version before the deletion.
                        Read::Gone
                            if !declaration.needs_resource()
                                && event.version_id.is_none()
                                && event.retry.is_none() =>
                        {
                            match version_of(reader, reference, None, event.interaction).await {
                                Read::Version(found) => Read::Was(found),
                                Read::Failed(failure) => Read::Failed(failure),
                                _ => Read::Gone,
                            }
                        }
                        read => read,
                    }
                }
                Need::Version => {
                    reader.forget_older(reference, happened(&events[*place]));
                    let told = events[*place].resource.filter(|_| is_believed);
                    version_of(reader, reference, told, events[*place].event.interaction).await
                }
            });
        }
        let lacking: Vec<_> = wanted
            .iter()
            .filter(|(place, ..)| *tells_versions && lacks_version(app, declaration, &events[*place].event))
            .map(|(place, _, wanted)| (*place, *wanted))
            .collect();
        if !lacking.is_empty() {
            // Missing versions must not keep the events from their handler.
            let limit = Deadline::after(TO_TELL_VERSIONS).min(deadline.sooner_by_half());
            let telling = tell_versions(limit, declaration.endpoint, &lacking, &mut reads);
            *tells_versions = tokio::time::timeout_at(limit.instant(), telling).await.unwrap_or(false);
        }
    };
    // The request may run a token provider of the user's.
    let ended = contain(reading).await;
    if ended.is_err() {
        for (place, ..) in wanted {
            reads[place].get_or_insert(Read::Failed(Failure::PANICKED));
        }
    }
    reads
}

/// When the event happened, or when its resource was written.
fn happened(Happened { event, resource, .. }: &Happened<'_>) -> Option<Instant> {
    event.timestamp().and_then(latest).or_else(|| last_updated((*resource)?))
}

/// The latest moment that a time may mean: a server may cut it to seconds.
pub(crate) fn latest(timestamp: &str) -> Option<Instant> {
    let at = Instant::parse(timestamp)?;
    Some(if timestamp.contains('.') { at } else { at.after(Duration::from_millis(999)) })
}

/// Finds the versions of deletions. If a version is not found, the deletion is still handled, and a sweep
/// handles it once more. Returns whether it is worth asking for other versions.
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
                info!(endpoint, error.text = %error, "the version of a deletion is not known");
                if error.is_transient() {
                    return false;
                }
            }
        }
    }
    true
}

/// Whether the server has the event's resource now.
pub(super) async fn is_there(app: &App, event: &Event, deadline: Deadline) -> Result<bool, Failure> {
    let Some(Wanted { client, reference, .. }) = wanted(app, event) else { return Ok(true) };
    let mut reader = Reader::new(client.with_deadline(deadline));
    // The request may run a token provider of the user's.
    match contain(reader.read(Reference { version_id: None, ..reference })).await {
        Ok(Read::Failed(failure)) => Err(failure),
        Ok(read) => Ok(matches!(read, Read::Found(_))),
        Err(_panicked) => Err(Failure::PANICKED),
    }
}

#[cfg(test)]
mod tests;
