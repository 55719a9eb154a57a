//! [`Reader`]: what the server has under a reference.

use std::collections::HashMap;
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
    /// The version that the event is of, which the notification does not say.
    Version(Found),
    /// The server does not say which version the event is of.
    Untold,
    Failed(Failure),
}

/// A resource as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) json: Arc<RawValue>,
    pub(crate) version_id: Option<String>,
}

/// A resource to be read.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'e> {
    /// The base URL of the source that has it; `None` for the app's own server.
    pub(super) server: Option<&'e str>,
    /// That server's client, which signs in by means of its own.
    pub(super) client: &'e FhirClient,
    pub(super) reference: Reference<'e>,
}

/// What is to be read for an event; `None` where it names nothing that can be read, or a server that is not to be called.
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

/// What is read: as it came, since the handler's own type is not known here.
pub(super) type Raw = Box<RawValue>;

/// Reads for one notification.
pub(super) struct Reader<'e> {
    pub(super) client: FhirClient,
    /// What is known already of the current versions, by type and id.
    current: HashMap<(&'e str, &'e str), Read>,
    /// When those were written that a search has shown, as far as it says.
    searched: HashMap<(&'e str, &'e str), Option<Instant>>,
}

impl<'e> Reader<'e> {
    pub(super) fn new(client: FhirClient) -> Self {
        Self { client, current: HashMap::new(), searched: HashMap::new() }
    }

    /// Looks for the current versions of several resources, those of one type in one search.
    ///
    /// What it does not find is left to be read by itself: a server may lag behind in its search, or have none.
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

    /// Forgets what a search has shown, if that was written before the event happened: a server may lag behind in its
    /// search, and the event be of a version that is not shown yet.
    pub(super) fn forget_older(&mut self, wanted: Reference<'e>, happened: Option<Instant>) {
        let Some(happened) = happened else { return };
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
    pub(super) async fn confirm(&mut self, deleted: Reference<'e>) -> Read {
        match self.get(Reference { version_id: None, ..deleted }).await {
            Ok(_) => Read::Undeleted,
            Err(error) if is_gone(&error) => Read::Deleted(None),
            Err(error) => Read::failed(&error),
        }
    }

    /// The version that is wanted, if one is and the server has it; else the current one.
    pub(super) async fn read(&mut self, wanted: Reference<'e>) -> Read {
        self.look(wanted).await.unwrap_or_else(|error| Read::failed(&error))
    }

    /// The same, with the error that reading ended with.
    pub(super) async fn look(&mut self, wanted: Reference<'e>) -> Result<Read, Error> {
        let Reference { resource_type, id, version_id } = wanted;
        let current = self.current.get(&(resource_type, id));
        if let Some(version_id) = version_id {
            if let Some(Read::Found(found)) = current
                && found.version_id.as_deref() == Some(version_id)
            {
                return Ok(Read::Found(found.clone()));
            }
            match self.get(wanted).await {
                Ok(resource) => return Ok(Read::found(resource).of_version(version_id)),
                // Gone, too old for the server, or it keeps no versions.
                Err(error) if matches!(error.status(), Some(400 | 404 | 405 | 410 | 501)) => {}
                Err(error) => return Err(error),
            }
        }
        if let Some(current) = current {
            return Ok(current.clone());
        }
        let read = match self.get(Reference { version_id: None, ..wanted }).await {
            Ok(resource) => Read::found(resource),
            Err(error) if is_gone(&error) => Read::Gone,
            Err(error) => return Err(error),
        };
        self.current.insert((resource_type, id), read.clone());
        Ok(read)
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

    pub(super) fn failed(error: &Error) -> Self {
        Self::Failed(Failure::of_reading(error))
    }
}
