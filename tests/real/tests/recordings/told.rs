//! [`Told`]: the events of the handlers.

use std::sync::{Arc, Mutex};

use fhir_sub::prelude::*;
use fhir_sub::sandbox::Behaviour;
use fhir_sub::testing::TestApp;

/// The events of the handlers, in order, and whether there was a resource.
#[derive(Clone, Default)]
pub(crate) struct Told(Arc<Mutex<Vec<(Event, bool)>>>);

impl Told {
    pub(crate) fn note(&self, event: Event, has_resource: bool) {
        self.0.lock().unwrap().push((event, has_resource));
    }

    /// The events since the last call.
    pub(crate) fn take(&self) -> Vec<(Event, bool)> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// An app of all handlers, and their events.
pub(crate) fn app() -> (TestApp, Told) {
    let told = Told::default();
    // Each recording is tested alone: the sandbox has only one version of each resource.
    let setup = |app: AppBuilder| app.state(told.clone()).set("FHIR_SUBSCRIPTION_IDEMPOTENCY", "off");
    (TestApp::with(Behaviour::Hapi, setup), told)
}
