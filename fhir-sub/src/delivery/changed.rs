//! [`Question`]: a search for changed resources; [`Changed`]: a resource that the search found.

use super::doubt::Doubt;
use super::identity::last_updated;
pub(crate) use super::reader::Raw;
use crate::client::{FhirClient, Page, Search};
use crate::declaration::Declaration;
use crate::event::Event;
use crate::fhir::{Instant, is_id};
use crate::json::Outline;
use crate::memory::Version;
use crate::settings::Settings;

/// A search for changed resources, sent by a sweep or a look-up.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) resource_type: String,
    /// The search parameters, without the time of the last change.
    filters: Vec<(String, String)>,
}

impl Question {
    /// The search of the registered criteria of `declaration`. `None` if no search can find its resources.
    pub(crate) fn of(declaration: &'static Declaration, settings: &Settings) -> Option<Self> {
        #[cfg(feature = "registration")]
        let search = crate::registration::search(declaration, settings)?;
        #[cfg(not(feature = "registration"))]
        let search = {
            // This program does not register the Subscription, so its settings cannot change the criteria.
            let _ = settings;
            declaration.search()?
        };
        let (resource_type, parameters) = search.split_once('?').unwrap_or((&search, ""));
        let filters = url::form_urlencoded::parse(parameters.as_bytes()).into_owned().collect();
        Some(Self { resource_type: resource_type.to_owned(), filters })
    }

    /// The search for all deleted resources of a type, for a server that supports `_deleted`.
    #[cfg(feature = "registration")]
    pub(crate) fn of_deleted(resource_type: &str) -> Self {
        let filters = vec![("_deleted".to_owned(), "true".to_owned())];
        Self { resource_type: resource_type.to_owned(), filters }
    }

    /// Searches for resources that changed since then. The server is asked to refuse unknown parameters.
    pub(crate) fn search(
        &self,
        client: &FhirClient,
        since: Instant,
        further: &[(&str, &str)],
    ) -> Search<Raw> {
        let last_updated = format!("ge{since}");
        let own = self.filters.iter().map(|(name, value)| (&**name, &**value));
        let mut query: Vec<_> = own.chain([("_lastUpdated", &*last_updated)]).collect();
        query.extend_from_slice(further);
        client.search_type(&self.resource_type, &query).strict()
    }

    /// Why a page answers the question in part or not at all.
    pub(crate) fn doubt(&self, page: &Page<Raw>, is_first: bool) -> Option<Doubt> {
        Doubt::of(&self.filters, &page.said, &page.issues, is_first)
    }

    /// The parts of a key that distinguishes this question from others.
    #[cfg(feature = "registration")]
    pub(crate) fn parts(&self) -> impl Iterator<Item = &str> {
        let filters = self.filters.iter().flat_map(|(name, value)| [&**name, &**value]);
        std::iter::once(&*self.resource_type).chain(filters)
    }
}

/// A changed resource that a search found.
pub(crate) struct Changed {
    pub(crate) json: Raw,
    pub(crate) event: Event,
    /// `None` if the server gives neither its version nor the time of its last change.
    pub(crate) version: Option<Version>,
    /// The time of its last change, by the server's clock.
    pub(crate) updated: Option<Instant>,
}

/// An entry that cannot be handled as a resource: it has no id, or an id that FHIR does not allow.
pub(crate) struct Odd;

impl Changed {
    /// Reads an entry of a page that has just arrived; `occasion` supplies the Subscription and the topic. `None` if the entry has
    /// another type than the question: it is an included resource, or a remark about the search.
    pub(crate) fn read(json: Raw, occasion: &Event, question: &Question) -> Option<Result<Self, Odd>> {
        let Some(outline) = Outline::peek(&json) else { return Some(Err(Odd)) };
        if *outline.resource_type != *question.resource_type {
            return None;
        }
        let Some(id) = outline.id.as_deref().filter(|id| is_id(id)) else { return Some(Err(Odd)) };
        let reference = format!("{}/{id}", &*outline.resource_type);
        let version_id = outline.valid_version_id().map(str::to_owned);
        let updated = last_updated(json.get());
        let version = version_id.clone().or_else(|| Some(updated?.to_string()));
        let event = Event {
            focus: Some(reference.clone()),
            version_id,
            subscription: occasion.subscription.clone(),
            topic: occasion.topic.clone(),
            is_found: true,
            searched: Some(tokio::time::Instant::now()),
            ..Event::unknown()
        };
        let version = version.map(|version| Version { reference, version });
        Some(Ok(Self { version, updated, event, json }))
    }
}
