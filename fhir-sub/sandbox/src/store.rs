//! The resources and all their versions.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value, json};

use super::{
    notification::Interaction,
    refusal::Refusal,
    search::{Context, Resources},
};
use crate::fhir::{FhirVersion, Instant};

/// Every version of every resource, and the changes since the last call of
/// [`take_changes`](Self::take_changes).
///
/// A clone is cheap, so a transaction keeps one for its rollback: clones share the versions, and copy only
/// the maps and lists.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    types: HashMap<String, OfType>,
    last_id: u64,
    last_attempt: u64,
    last_write: u64,
    changes: Vec<Change>,
    /// The version of FHIR of the resources.
    version: FhirVersion,
}

/// The resources of one type.
#[derive(Clone, Debug, Default)]
struct OfType {
    /// Ids and versions, in the order of creation.
    resources: Vec<(String, Vec<Version>)>,
    /// The place of each id in `resources`.
    places: HashMap<String, usize>,
}

/// A version of a resource. A deletion has no content.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) number: u64,
    pub(crate) at: Instant,
    pub(crate) interaction: Interaction,
    pub(crate) resource: Option<Arc<Value>>,
    /// Orders writes that share a millisecond.
    pub(crate) write: u64,
}

/// A write that may interest subscriptions.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) interaction: Interaction,
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) version: u64,
    /// The new version; for a deletion, the last version before it.
    pub(crate) resource: Arc<Value>,
}

/// The result of a write.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) created: bool,
    pub(crate) version: Version,
    pub(crate) resource: Arc<Value>,
}

impl Store {
    /// An id that no resource of the type has.
    pub(crate) fn next_id(&mut self, kind: &str) -> String {
        loop {
            self.last_id += 1;
            let id = self.last_id.to_string();
            if self.versions(kind, &id).is_none() {
                return id;
            }
        }
    }

    /// The id of the AuditEvent for the next attempt. These ids have a sequence of their own, because tests rely on the
    /// sequence of the other ids.
    pub(crate) fn next_attempt(&mut self) -> String {
        loop {
            self.last_attempt += 1;
            let id = format!("attempt-{}", self.last_attempt);
            if self.versions("AuditEvent", &id).is_none() {
                return id;
            }
        }
    }

    /// All versions, oldest first.
    pub(crate) fn versions(&self, kind: &str, id: &str) -> Option<&[Version]> {
        let of_type = self.types.get(kind)?;
        of_type.places.get(id).map(|place| of_type.resources[*place].1.as_slice())
    }

    /// All versions of all resources of the type, with their ids, oldest first.
    pub(crate) fn all_versions(&self, kind: &str) -> Vec<(&str, &Version)> {
        let mut all = Vec::new();
        for (id, versions) in self.of_type(kind) {
            all.extend(versions.iter().map(|version| (id.as_str(), version)));
        }
        all.sort_unstable_by_key(|(_, version)| version.write);
        all
    }

    /// The resource before the change, if it existed.
    pub(crate) fn before(&self, change: &Change) -> Option<&Arc<Value>> {
        let versions = self.versions(&change.kind, &change.id)?;
        let before = versions.iter().rev().find(|version| version.number < change.version)?;
        before.resource.as_ref()
    }

    /// The newest version, which may be a deletion.
    pub(crate) fn newest(&self, kind: &str, id: &str) -> Option<&Version> {
        self.versions(kind, id)?.last()
    }

    /// The current resource; refused if it never existed or is deleted.
    pub(crate) fn current(&self, kind: &str, id: &str) -> Result<(&Version, &Arc<Value>), Refusal> {
        let version =
            self.newest(kind, id).ok_or_else(|| Refusal::unknown(format!("there is no {kind}/{id}")))?;
        match &version.resource {
            Some(resource) => Ok((version, resource)),
            None => Err(Refusal::gone(format!("{kind}/{id} was deleted"))),
        }
    }

    /// An empty store for resources of that version.
    pub(crate) fn new(version: FhirVersion) -> Self {
        Self { version, ..Self::default() }
    }

    pub(crate) fn version(&self) -> FhirVersion {
        self.version
    }

    /// The context of a search on this server.
    pub(crate) fn context<'a>(&'a self, base: &'a str, now: Instant) -> Context<'a> {
        Context { base, now, version: self.version, resources: self }
    }

    /// The existing resources of the type that pass the test, in the order of their creation.
    pub(crate) fn find(&self, kind: &str, test: impl Fn(&Value) -> bool) -> Vec<(&Version, &Arc<Value>)> {
        let mut found = Vec::new();
        for (_, versions) in self.of_type(kind) {
            if let Some(newest) = versions.last()
                && let Some(resource) = newest.resource.as_ref().filter(|resource| test(resource))
            {
                found.push((newest, resource));
            }
        }
        found
    }

    /// The types that have resources now, each with the number of its resources.
    #[cfg(feature = "journal")]
    pub(crate) fn types(&self) -> Vec<(String, usize)> {
        let there = |of_type: &OfType| {
            let newest = of_type.resources.iter().filter_map(|(_, versions)| versions.last());
            newest.filter(|version| version.resource.is_some()).count()
        };
        let types = self.types.iter().map(|(kind, of_type)| (kind.clone(), there(of_type)));
        let mut types: Vec<_> = types.filter(|(_, count)| *count > 0).collect();
        types.sort_unstable();
        types
    }

    /// The deleted resources of the type as Medplum shows them: with id and time of deletion, without a
    /// version.
    pub(crate) fn deleted(&self, kind: &str) -> Vec<(&Version, Value)> {
        let newest = self.of_type(kind).iter().filter_map(|(id, versions)| Some((id, versions.last()?)));
        let deleted = newest.filter(|(_, version)| version.resource.is_none());
        deleted
            .map(|(id, version)| {
                let meta = json!({ "lastUpdated": version.at.to_string() });
                (version, json!({ "resourceType": kind, "id": id, "meta": meta }))
            })
            .collect()
    }

    fn of_type(&self, kind: &str) -> &[(String, Vec<Version>)] {
        self.types.get(kind).map_or(&[], |of_type| &of_type.resources)
    }

    /// Writes a new version. Unchanged content keeps its version, as on HAPI and Medplum.
    pub(crate) fn put(&mut self, kind: &str, id: &str, content: Map<String, Value>, now: Instant) -> Written {
        let newest = self.newest(kind, id);
        if let Some((version, resource)) = newest.and_then(|it| Some((it, it.resource.as_ref()?)))
            && resource.as_object().is_some_and(|there| bare(there, id) == bare(&content, id))
        {
            return Written { created: false, version: version.clone(), resource: resource.clone() };
        }
        let created = newest.is_none_or(|version| version.resource.is_none());
        let number = newest.map_or(1, |version| version.number + 1);
        let interaction = if created { Interaction::Create } else { Interaction::Update };
        let resource = Arc::new(stamp(kind, id, number, now, content));
        let version = self.push(kind, id, number, now, interaction, Some(resource.clone()));
        self.changes.push(Change {
            interaction,
            kind: kind.to_owned(),
            id: id.to_owned(),
            version: number,
            resource: resource.clone(),
        });
        Written { created, version, resource }
    }

    /// Deletes the resource; false if it does not exist.
    pub(crate) fn delete(&mut self, kind: &str, id: &str, now: Instant) -> bool {
        let Ok((version, resource)) = self.current(kind, id) else { return false };
        let (number, resource) = (version.number + 1, resource.clone());
        self.push(kind, id, number, now, Interaction::Delete, None);
        self.changes.push(Change {
            interaction: Interaction::Delete,
            kind: kind.to_owned(),
            id: id.to_owned(),
            version: number,
            resource,
        });
        true
    }

    /// Writes a version as it was written before, and returns the change; `None` for the deletion of a resource that
    /// does not exist.
    #[cfg(feature = "journal")]
    pub(crate) fn restore(
        &mut self,
        (kind, id, number): (&str, &str, u64),
        interaction: Interaction,
        resource: Option<Arc<Value>>,
        at: Instant,
    ) -> Option<Change> {
        self.last_id = self.last_id.max(id.parse().unwrap_or(0));
        let shown = match &resource {
            Some(resource) => resource.clone(),
            None => self.current(kind, id).ok()?.1.clone(),
        };
        self.push(kind, id, number, at, interaction, resource);
        let (kind, id) = (kind.to_owned(), id.to_owned());
        Some(Change { interaction, kind, id, version: number, resource: shown })
    }

    /// Undoes `changes`, which must be the last writes.
    #[cfg(feature = "journal")]
    pub(crate) fn take_back(&mut self, changes: &[Change]) {
        for Change { kind, id, .. } in changes.iter().rev() {
            let Some(of_type) = self.types.get_mut(kind) else { continue };
            let Some(place) = of_type.places.get(id).copied() else { continue };
            of_type.resources[place].1.pop();
            // A new resource is the last one, because every later one was undone before it.
            if of_type.resources[place].1.is_empty() {
                of_type.resources.truncate(place);
                of_type.places.remove(id);
            }
        }
    }

    /// The writes since the last call.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    fn push(
        &mut self,
        kind: &str,
        id: &str,
        number: u64,
        at: Instant,
        interaction: Interaction,
        resource: Option<Arc<Value>>,
    ) -> Version {
        self.last_write += 1;
        let version = Version { number, at, interaction, resource, write: self.last_write };
        let of_type = self.types.entry(kind.to_owned()).or_default();
        let place = *of_type.places.entry(id.to_owned()).or_insert(of_type.resources.len());
        if place == of_type.resources.len() {
            of_type.resources.push((id.to_owned(), Vec::new()));
        }
        of_type.resources[place].1.push(version.clone());
        version
    }
}

impl Resources for Store {
    fn read(&self, kind: &str, id: &str) -> Option<&Value> {
        self.current(kind, id).ok().map(|(_, resource)| &**resource)
    }

    fn all(&self, kind: &str) -> Vec<&Value> {
        self.find(kind, |_| true).into_iter().map(|(_, resource)| &**resource).collect()
    }
}

/// Adds the elements that the server sets.
fn stamp(kind: &str, id: &str, number: u64, now: Instant, mut content: Map<String, Value>) -> Value {
    content.insert("resourceType".into(), kind.into());
    content.insert("id".into(), id.into());
    let meta = content.entry("meta").or_insert_with(|| json!({}));
    if !meta.is_object() {
        *meta = json!({});
    }
    meta["versionId"] = number.to_string().into();
    meta["lastUpdated"] = now.to_string().into();
    Value::Object(content)
}

/// Removes these elements, to find out whether an update changes anything.
fn bare(content: &Map<String, Value>, id: &str) -> Map<String, Value> {
    let mut content = content.clone();
    content.insert("id".into(), id.into());
    if let Some(meta) = content.get_mut("meta").and_then(Value::as_object_mut) {
        meta.remove("versionId");
        meta.remove("lastUpdated");
        if meta.is_empty() {
            content.remove("meta");
        }
    }
    content
}
