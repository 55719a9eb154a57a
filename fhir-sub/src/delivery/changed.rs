//! [`Changed`]: a resource that a search for what was changed has found.

use serde_json::value::RawValue;

use super::identity::last_updated;
use crate::client::{FhirClient, Search};
use crate::declaration::Declaration;
use crate::event::Event;
use crate::fhir::{Instant, is_id};
use crate::json::Outline;
use crate::memory::Version;

/// A resource that a search for what was changed has found.
pub(crate) struct Changed {
    pub(crate) json: Box<RawValue>,
    pub(crate) event: Event,
    /// `None` where the server says neither its version nor when it was changed.
    pub(crate) version: Option<Version>,
    /// When it was last changed, by the server's clock.
    pub(crate) updated: Option<Instant>,
}

impl Changed {
    /// `None` for what is no resource with an id. `occasion` says of which Subscription and topic it is.
    pub(crate) fn new(json: Box<RawValue>, occasion: &Event) -> Option<Self> {
        let outline = Outline::peek(&json)?;
        let id = outline.id.as_deref().filter(|id| is_id(id))?;
        let reference = format!("{}/{id}", &*outline.resource_type);
        let version_id = outline.valid_version_id().map(str::to_owned);
        let updated = last_updated(json.get());
        let version = version_id.clone().or_else(|| Some(updated?.to_string()));
        let event = Event {
            focus: Some(reference.clone()),
            version_id,
            subscription: occasion.subscription.clone(),
            topic: occasion.topic.clone(),
            ..Event::unknown()
        };
        let version = version.map(|version| Version { reference, version });
        Some(Self { version, updated, event, json })
    }
}

/// The search for what was changed since then and is for the handler of `declaration`, the oldest first. `None` where it
/// cannot be searched for.
pub(crate) fn search(
    client: &FhirClient,
    declaration: &Declaration,
    since: Instant,
    further: &[(&str, &str)],
) -> Option<Search<Box<RawValue>>> {
    let search = declaration.search()?;
    let last_updated = format!("ge{since}");
    let mut query = vec![("_lastUpdated", &*last_updated), ("_sort", "_lastUpdated")];
    query.extend_from_slice(further);
    Some(client.search_criteria(&search, &query))
}
