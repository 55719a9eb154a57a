//! [`Provided`]: what the program gives its handlers, made once at start-up.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

use crate::client::FhirClient;

/// The states that `setup` provided, and the client of the FHIR server.
pub(crate) struct Provided {
    states: States,
    fhir_client: FhirClient,
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
    pub(crate) fn new(states: States, fhir_client: FhirClient) -> Self {
        Self { states, fhir_client }
    }

    pub(crate) fn fhir_client(&self) -> &FhirClient {
        &self.fhir_client
    }

    pub(crate) fn state<S: Any + Send + Sync>(&self) -> Option<Arc<S>> {
        self.states.0.get(&TypeId::of::<S>())?.clone().downcast().ok()
    }
}
