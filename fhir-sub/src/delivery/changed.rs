//! [`Question`]: what the server is asked for, to find what was changed; [`Changed`]: a resource that was found.

use serde_json::value::RawValue;

use super::doubt::Doubt;
use super::identity::last_updated;
use crate::client::{FhirClient, Page, Search};
use crate::declaration::Declaration;
use crate::event::Event;
use crate::fhir::{Instant, is_id};
use crate::json::Outline;
use crate::memory::Version;
use crate::settings::Settings;

/// What a sweep or a look-up asks the server for.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) resource_type: String,
    /// The parameters that choose resources, beside the time of their last change.
    filters: Vec<(String, String)>,
}

/// What is found on a page.
pub(crate) type Raw = Box<RawValue>;

impl Question {
    /// What is for the handler of `declaration`, by the criteria that is registered. `None` where no search finds it.
    pub(crate) fn of(declaration: &'static Declaration, settings: &Settings) -> Option<Self> {
        #[cfg(feature = "registration")]
        let search = crate::registration::search(declaration, settings)?;
        #[cfg(not(feature = "registration"))]
        let search = {
            // Whoever registers the Subscription, it is not this program.
            let _ = settings;
            declaration.search()?
        };
        let (resource_type, parameters) = search.split_once('?').unwrap_or((&search, ""));
        let filters = url::form_urlencoded::parse(parameters.as_bytes()).into_owned().collect();
        Some(Self { resource_type: resource_type.to_owned(), filters })
    }

    /// What was deleted of a type, whatever it was before, on a server that lists deletions so.
    #[cfg(feature = "registration")]
    pub(crate) fn of_deleted(resource_type: &str) -> Self {
        let filters = vec![("_deleted".to_owned(), "true".to_owned())];
        Self { resource_type: resource_type.to_owned(), filters }
    }

    /// The search for what was changed since then. The server is told to refuse a parameter that it does not know.
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

    /// Why a page does not answer the question, or not all of it.
    pub(crate) fn doubt(&self, page: &Page<Raw>, is_first: bool) -> Option<Doubt> {
        Doubt::of(&self.filters, &page.said, &page.issues, is_first)
    }

    /// Stands for the question, and tells it from others.
    #[cfg(feature = "registration")]
    pub(crate) fn parts(&self) -> impl Iterator<Item = &str> {
        let filters = self.filters.iter().flat_map(|(name, value)| [&**name, &**value]);
        std::iter::once(&*self.resource_type).chain(filters)
    }
}

/// A resource that a search for what was changed has found.
pub(crate) struct Changed {
    pub(crate) json: Raw,
    pub(crate) event: Event,
    /// `None` where the server says neither its version nor when it was changed.
    pub(crate) version: Option<Version>,
    /// When it was last changed, by the server's clock.
    pub(crate) updated: Option<Instant>,
}

/// What stands in the place of a resource, and cannot be handled: it has no id, or one that FHIR does not allow.
pub(crate) struct Odd;

impl Changed {
    /// `occasion` says of which Subscription and topic it is. `None` for a resource of another type than was asked for:
    /// it is included, or says something of the search.
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
            ..Event::unknown()
        };
        let version = version.map(|version| Version { reference, version });
        Some(Ok(Self { version, updated, event, json }))
    }
}
