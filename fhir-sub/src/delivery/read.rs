//! Reading what a notification names and does not carry, or carries without being believed.
//!
//! It is read from the app's own FHIR server, or, where it is on another, from the source of that base URL, if `setup` has
//! named one. No other host that a notification names is ever called.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use tracing::info;

use super::failure::Failure;
use super::history::{DeletedVersion, version_of_deletion};
use super::identity::{identify, is_asked_for, last_updated};
use crate::app::App;
use crate::client::{Error, FhirClient};
use crate::contain::contain;
use crate::deadline::Deadline;
use crate::declaration::{Declaration, Trust};
use crate::decode::Happened;
use crate::event::Event;
use crate::extract::ResourceUse;
use crate::fhir::{Instant, Reference};
use crate::interaction::Interaction;
use crate::json::Outline;
use crate::store::Identity;

/// How long it may take to find out which versions deletions are.
const TO_TELL_VERSIONS: Duration = Duration::from_secs(2);

/// What came of reading a resource.
#[derive(Clone, Debug)]
pub(crate) enum Read {
    Found(Found),
    /// It is there no more, or never was.
    Gone,
    /// It was deleted, as the notification says; in this version, where the notification named none and the server does.
    Deleted(Option<DeletedVersion>),
    /// It is there, and the notification says that it was deleted.
    Undeleted,
    Failed(Failure),
}

/// A resource as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) json: Arc<RawValue>,
    pub(crate) version_id: Option<String>,
}

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

/// The places of the events whose resource must be read: it is used, and named without being there or without being
/// believed; or its deletion counts only once the server confirms it, or names no version.
pub(crate) fn missing(
    app: &App,
    declaration: &Declaration,
    deletion: Deletion,
    events: &[Happened<'_>],
) -> Vec<usize> {
    let is_believed = declaration.trust == Trust::Notification;
    let is_used = declaration.uses.resource != ResourceUse::Unused;
    let is_missing = |Happened { event, resource, .. }: &Happened<'_>| {
        let is_needed = match event.interaction {
            Interaction::Delete => deletion == Deletion::Confirmed || lacks_version(app, declaration, event),
            _ => is_used && (resource.is_none() || !is_believed),
        };
        is_needed && wanted(app, event).is_some() && declaration.is_wanted(event)
    };
    (0..events.len()).filter(|place| is_missing(&events[*place])).collect()
}

/// Whether nothing tells a deletion from the next one of its resource: told again, or found by a sweep, it would count as
/// another.
fn lacks_version(app: &App, declaration: &Declaration, event: &Event) -> bool {
    event.interaction == Interaction::Delete
        && is_asked_for(app, declaration)
        && identify(app, declaration, event, None).is_some_and(|entry| entry.identity == Identity::Passing)
}

/// Reads the resources of the events at `missing`: for each of all events what came of it, if it is one of those.
///
/// `tells_versions` is whether the server is asked which versions deletions are: until it does not answer in time.
pub(crate) async fn read(
    app: &App,
    declaration: &Declaration,
    deletion: Deletion,
    events: &[Happened<'_>],
    missing: &[usize],
    deadline: Deadline,
    tells_versions: &mut bool,
) -> Vec<Option<Read>> {
    let wanted: Vec<_> =
        missing.iter().filter_map(|place| Some((*place, wanted(app, &events[*place].event)?))).collect();
    let mut reads = vec![None; events.len()];
    let reading = async {
        let mut readers = Readers { deadline, readers: Vec::new() };
        let is_deletion = |place: usize| events[place].event.interaction == Interaction::Delete;
        let mut several: Vec<_> =
            wanted.iter().filter(|(place, _)| !is_deletion(*place)).map(|(_, wanted)| *wanted).collect();
        while let Some(first) = several.first().copied() {
            let (its, others) = several.into_iter().partition(|wanted| wanted.server == first.server);
            let its: Vec<_> = its;
            readers.of(first).find_several(its.iter().map(|wanted| wanted.reference)).await;
            several = others;
        }
        for (place, wanted) in &wanted {
            let reader = readers.of(*wanted);
            reads[*place] = Some(match events[*place].event.interaction {
                Interaction::Delete if deletion == Deletion::Told => Read::Deleted(None),
                Interaction::Delete => reader.confirm(wanted.reference).await,
                _ => {
                    reader.forget_older(wanted.reference, &events[*place].event);
                    reader.read(wanted.reference).await
                }
            });
        }
        let lacking: Vec<_> = wanted
            .iter()
            .filter(|(place, _)| *tells_versions && lacks_version(app, declaration, &events[*place].event))
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
        for (place, _) in wanted {
            reads[place].get_or_insert(Read::Failed(Failure::PANICKED));
        }
    }
    reads
}

/// Finds out which versions the deletions are: those of which it is not found out are handled all the same, and once more
/// by a sweep. Says whether it is of use to ask for others.
async fn tell_versions(
    limit: Deadline,
    endpoint: &str,
    deleted: &[&(usize, Wanted<'_>)],
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

/// A resource to be read.
#[derive(Clone, Copy)]
struct Wanted<'e> {
    /// The base URL of the source that has it; `None` for the app's own server.
    server: Option<&'e str>,
    /// That server's client, which signs in by means of its own.
    client: &'e FhirClient,
    reference: Reference<'e>,
}

/// What is to be read for an event; `None` where it names nothing that can be read, or a server that is not to be called.
fn wanted<'e>(app: &'e App, event: &'e Event) -> Option<Wanted<'e>> {
    let (version_id, provided) = (event.version_id(), app.provided());
    if let Some(focus) = event.focus() {
        let reference = Reference { version_id, ..Reference::parse(focus)? };
        return Some(Wanted { server: None, client: provided.fhir_client(), reference });
    }
    let source = provided.source(event.elsewhere_base()?)?;
    let reference = Reference { version_id, ..event.elsewhere()? };
    Some(Wanted { server: Some(&source.base), client: &source.client, reference })
}

/// The readers of one notification, one for each server.
struct Readers<'e> {
    deadline: Deadline,
    readers: Vec<(Option<&'e str>, Reader<'e>)>,
}

impl<'e> Readers<'e> {
    fn of(&mut self, Wanted { server, client, .. }: Wanted<'e>) -> &mut Reader<'e> {
        let found = self.readers.iter().position(|(named, _)| *named == server);
        let place = found.unwrap_or_else(|| {
            self.readers.push((server, Reader::new(client.with_deadline(self.deadline))));
            self.readers.len() - 1
        });
        &mut self.readers[place].1
    }
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

/// What is read: as it came, since the handler's own type is not known here.
type Raw = Box<RawValue>;

/// Reads for one notification.
struct Reader<'e> {
    client: FhirClient,
    /// What is known already of the current versions, by type and id.
    current: HashMap<(&'e str, &'e str), Read>,
    /// When those were written that a search has shown, as far as it says.
    searched: HashMap<(&'e str, &'e str), Option<Instant>>,
}

impl<'e> Reader<'e> {
    fn new(client: FhirClient) -> Self {
        Self { client, current: HashMap::new(), searched: HashMap::new() }
    }

    /// Looks for the current versions of several resources, those of one type in one search.
    ///
    /// What it does not find is left to be read by itself: a server may lag behind in its search, or have none.
    async fn find_several(&mut self, wanted: impl Iterator<Item = Reference<'e>>) {
        let mut types: Vec<(&str, Vec<&str>)> = Vec::new();
        for Reference { resource_type, id, .. } in wanted {
            match types.iter_mut().find(|(found, _)| *found == resource_type) {
                None => types.push((resource_type, vec![id])),
                Some((_, ids)) if ids.contains(&id) => {}
                Some((_, ids)) => ids.push(id),
            }
        }
        for (resource_type, ids) in types.into_iter().filter(|(_, ids)| ids.len() > 1) {
            let (list, count) = (ids.join(","), ids.len().to_string());
            let mut search =
                self.client.search_type::<Raw>(resource_type, &[("_id", &list), ("_count", &count)]);
            // A server that finds more than was asked for is not followed without end.
            for _ in 0..ids.len() {
                let Some(Ok(resource)) = search.next().await else { break };
                let Some(outline) = Outline::peek(&resource) else { continue };
                let id = ids.iter().find(|id| outline.id.as_deref() == Some(**id));
                if let Some(id) = id.filter(|_| &*outline.resource_type == resource_type) {
                    self.searched.insert((resource_type, id), last_updated(resource.get()));
                    self.current.insert((resource_type, id), Read::found(resource));
                }
            }
        }
    }

    /// Forgets what a search has shown, where it was written before the event happened: a server may lag behind in its
    /// search, and the event be of a version that is not shown yet.
    fn forget_older(&mut self, wanted: Reference<'e>, event: &Event) {
        let Some(happened) = event.timestamp().and_then(Instant::parse) else { return };
        let key = (wanted.resource_type, wanted.id);
        if self.searched.get(&key).is_some_and(|updated| updated.is_none_or(|updated| updated < happened)) {
            self.searched.remove(&key);
            self.current.remove(&key);
        }
    }

    /// What the server has under a reference, in whatever version of FHIR it is kept there: Helios tells also of what is of
    /// another one than the Subscription, and then refuses to give it to whoever asks for the Subscription's.
    async fn get(&self, reference: Reference<'_>) -> Result<Raw, Error> {
        let Reference { resource_type, id, version_id } = reference;
        let get = async |client: &FhirClient| match version_id {
            Some(version_id) => client.vread::<Raw>(resource_type, id, version_id).await,
            None => client.read::<Raw>(resource_type, id).await,
        };
        match get(&self.client).await {
            Err(error) if error.status() == Some(406) && self.client.says_version() => {
                get(&self.client.without_version()).await
            }
            got => got,
        }
    }

    /// Whether the resource is gone, as the notification says: it is asked for by itself, since a server may lag behind
    /// in its search.
    async fn confirm(&mut self, deleted: Reference<'e>) -> Read {
        match self.get(Reference { version_id: None, ..deleted }).await {
            Ok(_) => Read::Undeleted,
            Err(error) if is_gone(&error) => Read::Deleted(None),
            Err(error) => Read::failed(&error),
        }
    }

    /// The version that is wanted, if one is and the server has it; else the current one.
    async fn read(&mut self, wanted: Reference<'e>) -> Read {
        let Reference { resource_type, id, version_id } = wanted;
        let current = self.current.get(&(resource_type, id));
        if let Some(version_id) = version_id {
            if let Some(Read::Found(found)) = current
                && found.version_id.as_deref() == Some(version_id)
            {
                return Read::Found(found.clone());
            }
            match self.get(wanted).await {
                Ok(resource) => return Read::found(resource).of_version(version_id),
                // Gone, too old for the server, or it keeps no versions.
                Err(error) if matches!(error.status(), Some(400 | 404 | 405 | 410 | 501)) => {}
                Err(error) => return Read::failed(&error),
            }
        }
        if let Some(current) = current {
            return current.clone();
        }
        let read = match self.get(Reference { version_id: None, ..wanted }).await {
            Ok(resource) => Read::found(resource),
            Err(error) if is_gone(&error) => Read::Gone,
            Err(error) => return Read::failed(&error),
        };
        self.current.insert((resource_type, id), read.clone());
        read
    }
}

/// Whether the server says that the resource is not there. A 404 without an OperationOutcome is a gateway's, or is of a
/// base URL where no FHIR server is: taken for a resource that is gone, it would lose the event.
fn is_gone(error: &Error) -> bool {
    error.is_gone() || (error.is_not_found() && error.operation_outcome().is_some())
}

impl Read {
    fn found(resource: Raw) -> Self {
        let outline = Outline::peek(&resource);
        let version_id = outline.and_then(|outline| outline.valid_version_id().map(str::to_owned));
        Self::Found(Found { json: Arc::from(resource), version_id })
    }

    /// What was asked for as this version is of it, also where it does not say so itself.
    fn of_version(mut self, version_id: &str) -> Self {
        if let Self::Found(found) = &mut self {
            found.version_id.get_or_insert_with(|| version_id.to_owned());
        }
        self
    }

    fn failed(error: &Error) -> Self {
        Self::Failed(Failure::of_reading(error))
    }
}

#[cfg(test)]
mod tests;
