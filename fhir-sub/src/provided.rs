//! [`Provided`]: what the program provides to its handlers, created once at start-up.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
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
    /// The request headers that handlers may see.
    headers: Vec<HeaderName>,
    /// The tenant of the handlers, if the program has tenants.
    tenant: Option<Box<str>>,
}

/// The states and the clients contain secrets.
impl fmt::Debug for Provided {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Provided").finish_non_exhaustive()
    }
}

/// Another FHIR server that notifications may name.
pub(crate) struct Source {
    /// Its base URL, normalized so that equal URLs have equal texts.
    pub(crate) base: String,
    pub(crate) client: FhirClient,
}

/// Values by their type.
#[derive(Clone, Default)]
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
        Self { states, fhir_client, sources, headers, tenant: None }
    }

    /// The same for one of several tenants.
    pub(crate) fn of_tenant(self, tenant: Option<&str>) -> Self {
        Self { tenant: tenant.map(Into::into), ..self }
    }

    /// The tenant of the handlers, if the program has tenants.
    pub(crate) fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// The request headers that handlers may see, in lower case, if each occurs exactly once, as text.
    pub(crate) fn allowed_headers(&self, head: &dyn Headers) -> Vec<(String, String)> {
        let text = |name: &HeaderName| Some((name.to_string(), head.get(name.as_str()).text()?.to_owned()));
        self.headers.iter().filter_map(text).collect()
    }

    /// Adds a state, for a test.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn insert<S: Any + Send + Sync>(&mut self, state: S) {
        self.states.insert(state);
    }

    /// Replaces the client by another server's client, for a test.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn set_fhir_client(&mut self, fhir_client: FhirClient) {
        self.fhir_client = fhir_client;
    }

    /// The source with this base URL.
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
