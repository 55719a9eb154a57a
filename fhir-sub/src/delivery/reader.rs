//! [`Reader`]: reads what the server has under a reference.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::value::RawValue;

use super::failure::Failure;
use super::history::DeletedVersion;
use super::identity::last_updated;
use crate::app::App;
use crate::client::{Error, FhirClient};
use crate::deadline::Deadline;
use crate::event::Event;
use crate::fhir::{Instant, Reference};
use crate::json::Outline;

/// The result of reading a resource.
#[derive(Clone, Debug)]
pub(crate) enum Read {
    Found(Found),
    /// It is gone, or it never existed.
    Gone,
    /// It was deleted, as the notification says. The version is set if the server names it and the
    /// notification does not.
    Deleted(Option<DeletedVersion>),
    /// It exists, although the notification says that it was deleted.
    Undeleted,
    /// The event's version, which the notification does not say.
    Version(Found),
    /// The same, and the resource was deleted since.
    Was(Found),
    /// The server does not say which version the event has.
    Untold,
    Failed(Failure),
}

#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) json: Arc<RawValue>,
    pub(crate) version_id: Option<String>,
}

#[derive(Clone, Copy)]
pub(super) struct Wanted<'e> {
    /// The base URL of the source that has it; `None` for the app's own server.
    pub(super) server: Option<&'e str>,
    /// The client of that server, which signs in with credentials of its own.
    pub(super) client: &'e FhirClient,
    pub(super) reference: Reference<'e>,
}

/// The resource to read for an event. `None` if the event names nothing that can be read, or a server that
/// must not be called.
pub(super) fn wanted<'e>(app: &'e App, event: &'e Event) -> Option<Wanted<'e>> {
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
pub(super) struct Readers<'e> {
    deadline: Deadline,
    readers: Vec<(Option<&'e str>, Reader<'e>)>,
}

impl<'e> Readers<'e> {
    pub(super) fn new(deadline: Deadline) -> Self {
        Self { deadline, readers: Vec::new() }
    }

    pub(super) fn of(&mut self, Wanted { server, client, .. }: Wanted<'e>) -> &mut Reader<'e> {
        let found = self.readers.iter().position(|(named, _)| *named == server);
        let place = found.unwrap_or_else(|| {
            self.readers.push((server, Reader::new(client.with_deadline(self.deadline))));
            self.readers.len() - 1
        });
        &mut self.readers[place].1
    }
}

/// A resource as it arrived, because the handler's type is not known here.
pub(crate) type Raw = Box<RawValue>;

/// Reads for one notification.
pub(super) struct Reader<'e> {
    pub(super) client: FhirClient,
    /// The known current versions, by type and id.
    current: HashMap<(&'e str, &'e str), Read>,
    /// The resources that were read, and that the server has deleted.
    deleted: HashSet<(&'e str, &'e str)>,
    /// When the versions from a search were written, if the server says so.
    searched: HashMap<(&'e str, &'e str), Option<Instant>>,
}

impl<'e> Reader<'e> {
    pub(super) fn new(client: FhirClient) -> Self {
        Self { client, current: HashMap::new(), deleted: HashSet::new(), searched: HashMap::new() }
    }

    /// Searches for the current versions of several resources, with one search for each type.
    ///
    /// A resource that the search does not find is read by its id later, because a server's search may lag
    /// behind or not exist.
    pub(super) async fn find_several(&mut self, wanted: impl Iterator<Item = Reference<'e>>) {
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
            // A server may return more than was asked for: we do not follow its links without end.
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

    /// Forgets the result of the search if it may be older than the event: the server's search may lag behind,
    /// and not show the event's version yet. If nothing says when the event happened, any result may be older.
    pub(super) fn forget_older(&mut self, wanted: Reference<'e>, happened: Option<Instant>) {
        if wanted.version_id.is_some() {
            // `look` compares the versions.
            return;
        }
        let key = (wanted.resource_type, wanted.id);
        let may_be_older = |updated: &Option<Instant>| {
            happened.is_none_or(|happened| updated.is_none_or(|updated| updated < happened))
        };
        if self.searched.get(&key).is_some_and(may_be_older) {
            self.forget_searched(key);
        }
    }

    /// Forgets the result of the search for a resource, so that the resource is read by its id.
    fn forget_searched(&mut self, key: (&'e str, &'e str)) {
        if self.searched.remove(&key).is_some() {
            self.current.remove(&key);
        }
    }

    /// Reads a reference, in whatever version of FHIR the server keeps the resource. Helios also reports
    /// resources of another FHIR version than the Subscription's, and then refuses a request for the
    /// Subscription's version.
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

    /// Whether the resource is gone, as the notification says. It is read by its id, because a server's
    /// search may lag behind.
    pub(super) async fn confirm(&mut self, deleted: Reference<'e>) -> Read {
        match self.get(Reference { version_id: None, ..deleted }).await {
            Ok(_) => Read::Undeleted,
            Err(error) if is_gone(&error) => Read::Deleted(None),
            Err(error) => Read::failed(&error),
        }
    }

    /// Whether the resource was read, and the server says that it was deleted.
    pub(super) fn was_deleted(&self, wanted: Reference<'_>) -> bool {
        self.deleted.contains(&(wanted.resource_type, wanted.id))
    }

    /// The wanted version if there is one and the server has it, else the current version.
    pub(super) async fn read(&mut self, wanted: Reference<'e>) -> Read {
        self.look(wanted).await.unwrap_or_else(|error| Read::failed(&error))
    }

    /// The same, but returns the error of a failed read.
    pub(super) async fn look(&mut self, wanted: Reference<'e>) -> Result<Read, Error> {
        let key = (wanted.resource_type, wanted.id);
        if let Some(version_id) = wanted.version_id {
            if let Some(Read::Found(found)) = self.current.get(&key)
                && found.version_id.as_deref() == Some(version_id)
            {
                return Ok(Read::Found(found.clone()));
            }
            match self.get(wanted).await {
                Ok(resource) => return Ok(Read::found(resource).of_version(version_id)),
                // The version is gone, or too old, or the server keeps no versions, or a gateway before it lets only
                // `Type/id` pass. A result of the search may be older than this version.
                Err(error)
                    if matches!(error.status(), Some(400 | 403 | 404 | 405 | 406 | 410 | 422 | 501)) =>
                {
                    self.forget_searched(key);
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(current) = self.current.get(&key) {
            return Ok(current.clone());
        }
        let read = match self.get(Reference { version_id: None, ..wanted }).await {
            Ok(resource) => Read::found(resource),
            Err(error) if is_gone(&error) => {
                if error.is_gone() {
                    self.deleted.insert(key);
                }
                Read::Gone
            }
            Err(error) => return Err(error),
        };
        self.current.insert(key, read.clone());
        Ok(read)
    }
}

/// Whether the server says that the resource does not exist. A 404 without an OperationOutcome may come from
/// a gateway, or from a base URL without a FHIR server. If it counted as a deletion, the event would be lost.
fn is_gone(error: &Error) -> bool {
    error.is_gone() || (error.is_not_found() && error.operation_outcome().is_some())
}

impl Read {
    fn found(resource: Raw) -> Self {
        let outline = Outline::peek(&resource);
        let version_id = outline.and_then(|outline| outline.valid_version_id().map(str::to_owned));
        Self::Found(Found { json: Arc::from(resource), version_id })
    }

    /// A resource that was read as this version is this version, even if it does not say so itself.
    fn of_version(mut self, version_id: &str) -> Self {
        if let Self::Found(found) = &mut self {
            found.version_id.get_or_insert_with(|| version_id.to_owned());
        }
        self
    }

    pub(super) fn failed(error: &Error) -> Self {
        Self::Failed(Failure::of_reading(error))
    }
}
