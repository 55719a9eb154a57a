//! [`Provided`]: what the program gives its handlers, made once at start-up.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

use http::HeaderName;

use crate::client::FhirClient;
use crate::fhir::reference::canonical_base;
use crate::request::Headers;

/// The states that `setup` provided, and the client of the FHIR server.
pub(crate) struct Provided {
    states: States,
    fhir_client: FhirClient,
    sources: Vec<Source>,
    /// The headers of a request that handlers may see.
    headers: Vec<HeaderName>,
}

/// A FHIR server beside the app's own, which notifications may name.
pub(crate) struct Source {
    /// Its base URL, in the one form in which all that means the same is the same text.
    pub(crate) base: String,
    pub(crate) client: FhirClient,
}

/// Values by their type.
#[derive(Default)]
pub(crate) struct States(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl States {
    pub(crate) fn insert<S: Any + Send + Sync>(&mut self, state: S) {
        self.0.insert(TypeId::of::<S>(), Arc::new(state));
    }

    pub(crate) fn contains(&self, state: TypeId) -> bool {
        self.0.contains_key(&state)
    }
}

impl Provided {
    pub(crate) fn new(
        states: States,
        fhir_client: FhirClient,
        sources: Vec<Source>,
        headers: Vec<HeaderName>,
    ) -> Self {
        Self { states, fhir_client, sources, headers }
    }

    /// The headers of a request that handlers may see, in lower case; those that are there once, as text.
    pub(crate) fn allowed_headers(&self, head: &dyn Headers) -> Vec<(String, String)> {
        let text = |name: &HeaderName| Some((name.to_string(), head.get(name.as_str()).text()?.to_owned()));
        self.headers.iter().filter_map(text).collect()
    }

    /// Adds a state, for a test.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn insert<S: Any + Send + Sync>(&mut self, state: S) {
        self.states.insert(state);
    }

    /// Is another server's client, for a test.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn set_fhir_client(&mut self, fhir_client: FhirClient) {
        self.fhir_client = fhir_client;
    }

    /// The source that has this base URL.
    pub(crate) fn source(&self, base: &str) -> Option<&Source> {
        if self.sources.is_empty() {
            return None;
        }
        let base = canonical_base(base)?;
        self.sources.iter().find(|source| source.base == base)
    }

    pub(crate) fn fhir_client(&self) -> &FhirClient {
        &self.fhir_client
    }

    pub(crate) fn state<S: Any + Send + Sync>(&self) -> Option<Arc<S>> {
        self.states.0.get(&TypeId::of::<S>())?.clone().downcast().ok()
    }
}
