//! [`Included`]: the other resources of an event's notification.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use tracing::warn;

use crate::fhir::Reference;
use crate::fhir::reference::canonical_base;
use crate::fhir_resource::FhirResource;

/// The other resources of a notification: everything in its Bundle except the event's own resource.
///
/// For example, a topic may include the patient of an encounter, and a server may add an audit of the change. A Bundle
/// may also contain resources that are on no server, and have only a `urn:uuid:`. The resources of the notification's
/// other events are included too.
///
/// `Included` is empty for a criteria, for a resource that a search or a sweep found, and with `trust = "reference"`.
///
/// A handler without this argument pays nothing for it.
///
/// ```
/// use fhir_sub::prelude::*;
///
/// #[derive(serde::Deserialize, FhirResource)]
/// #[fhir(type = "Encounter")]
/// struct Encounter {
///     subject: Subject,
/// }
///
/// #[derive(serde::Deserialize)]
/// struct Subject {
///     reference: String,
/// }
///
/// #[derive(serde::Deserialize, FhirResource)]
/// #[fhir(type = "Patient")]
/// struct Patient {
///     id: Option<String>,
/// }
///
/// #[fhir_subscription(
///     topic = "https://example.org/topics/admission",
///     filter = "Encounter?class=IMP",
///     endpoint = "admissions",
/// )]
/// async fn admissions(encounter: Resource<Encounter>, included: Included) {
///     let patient: Option<Patient> = included.get(&encounter.subject.reference);
///     # let _ = patient.and_then(|patient| patient.id);
/// }
/// ```
#[derive(Clone, Default)]
pub struct Included {
    all: Option<Arc<[IncludedResource]>>,
    /// The event's own entry. Boxed, because the futures of all events would be as large.
    own: Option<Box<Own>>,
}

/// The place of the event's own entry, if there is one, and the event's server.
#[derive(Clone)]
struct Own {
    place: Option<usize>,
    base: Option<String>,
}

/// Another resource of the notification.
#[derive(Clone)]
pub struct IncludedResource {
    pub(crate) place: usize,
    pub(crate) full_url: Option<String>,
    /// `Patient/9`
    pub(crate) reference: Option<String>,
    pub(crate) version_id: Option<String>,
    pub(crate) resource_type: String,
    pub(crate) json: String,
}

impl Included {
    pub(crate) fn new(all: impl Iterator<Item = IncludedResource>) -> Self {
        Self { all: Some(all.collect()), ..Self::default() }
    }

    /// The same for an event with its own entry at `place`, of the server with this base URL.
    pub(crate) fn without(&self, place: Option<usize>, base: Option<&str>) -> Self {
        let base = base.and_then(canonical_base);
        let own = (place.is_some() || base.is_some()).then(|| Box::new(Own { place, base }));
        Self { all: self.all.clone(), own }
    }

    /// The resource that `reference` names, read into `T`. The reference is the `fullUrl` of the entry (`urn:uuid:…`), or `Type/id` with
    /// or without a base URL and a version.
    ///
    /// `None` if the notification does not contain the resource, or if the resource does not have the shape of `T`. The
    /// log reports a wrong shape. An absolute reference finds no resource of another server, because ids are unique on
    /// one server only. A relative reference means the event's server, as its own entry or its focus names it. If neither names a
    /// server, and the notification contains resources of several servers with the same id, none of them is found.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, reference: &str) -> Option<T> {
        let named = Reference::parse(reference);
        let is_relative = named.is_some() && Reference::base(reference).is_none();
        let is_its = |one: &&IncludedResource| one.full_url.as_deref() == Some(reference);
        let by_url = self.iter().find(is_its).filter(|_| !is_relative);
        let by_name = || {
            let named = named?;
            let base = match Reference::base(reference) {
                Some(base) => canonical_base(base),
                None => self.own.as_ref().and_then(|own| own.base.clone()),
            };
            let found = || self.iter().filter(|one| one.is_named(&named, base.as_deref()));
            // A resource without a server may be on any of them.
            let (told, untold) =
                (found().find(|one| one.base().is_some()), found().find(|one| one.base().is_none()));
            if base.is_some() {
                return told.or(untold);
            }
            let of = |one: &IncludedResource| one.base().and_then(canonical_base);
            let is_ambiguous = || {
                let mut bases = found().filter(|one| one.base().is_some()).map(of);
                let first = bases.next();
                bases.any(|base| Some(base) != first)
            };
            untold.or_else(|| told.filter(|_| !is_ambiguous()))
        };
        by_url.or_else(by_name)?.read()
    }

    /// Every resource of the type that `T` [says](trait@FhirResource), in the order of the entries. Resources that do not have the shape
    /// of `T` are left out, and the log says so.
    pub fn of<T: FhirResource + DeserializeOwned>(&self) -> impl Iterator<Item = T> {
        self.iter().filter(|one| one.resource_type == T::TYPE).filter_map(IncludedResource::read)
    }

    /// Every resource, in the order of the entries.
    pub fn iter(&self) -> impl Iterator<Item = &IncludedResource> {
        let all = self.all.as_deref().unwrap_or_default();
        let own = self.own.as_ref().and_then(|own| own.place);
        all.iter().filter(move |one| Some(one.place) != own)
    }
}

impl IncludedResource {
    /// The `fullUrl` of its entry, as written.
    #[must_use]
    pub fn full_url(&self) -> Option<&str> {
        self.full_url.as_deref()
    }

    /// The resource, relative and without a version: `Patient/9`. `None` if it has no id.
    #[must_use]
    pub fn reference(&self) -> Option<&str> {
        self.reference.as_deref()
    }

    /// The version, as in `meta.versionId`.
    #[must_use]
    pub fn version_id(&self) -> Option<&str> {
        self.version_id.as_deref()
    }

    /// Its type: `Patient`.
    #[must_use]
    pub fn resource_type(&self) -> &str {
        &self.resource_type
    }

    /// The resource as the server sent it. Its brackets balance, but not every part is checked to be JSON.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The resource, read into `T`. If it does not have the shape of `T`, the result is `None` and the log says so.
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(&self.json)
            .map_err(|error| {
                // serde's messages quote the resource.
                let (resource_type, line, column) = (&*self.resource_type, error.line(), error.column());
                warn!(
                    resource_type,
                    line, column, "an included resource does not have the shape that is asked for"
                );
            })
            .ok()
    }

    /// Whether it is the resource `named`, on the server with that base URL if there is one.
    fn is_named(&self, named: &Reference<'_>, base: Option<&str>) -> bool {
        let is = |own: Reference<'_>| own.resource_type == named.resource_type && own.id == named.id;
        let by_url = self.full_url.as_deref().and_then(Reference::parse).is_some_and(is);
        let by_itself = self.reference.as_deref().and_then(Reference::parse).is_some_and(is);
        let is_there = || match (base, self.base()) {
            (Some(base), Some(own)) => canonical_base(own).as_deref() == Some(base),
            _ => true,
        };
        let version = named.version_id.zip(self.version_id());
        (by_url || by_itself) && version.is_none_or(|(named, own)| named == own) && is_there()
    }

    fn base(&self) -> Option<&str> {
        self.full_url.as_deref().and_then(Reference::base)
    }
}

impl fmt::Debug for Included {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Included").field("count", &self.iter().count()).finish_non_exhaustive()
    }
}

impl fmt::Debug for IncludedResource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A resource in a log line is a patient in a log line.
        formatter.debug_struct("IncludedResource").field("type", &self.resource_type).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
