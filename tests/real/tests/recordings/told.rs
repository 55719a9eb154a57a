//! [`Told`]: what the handlers were told.

use std::sync::{Arc, Mutex};

use fhir_sub::prelude::*;
use fhir_sub::sandbox::Behaviour;
use fhir_sub::testing::TestApp;

/// What the handlers were told, in order, and whether there was a resource.
#[derive(Clone, Default)]
pub(crate) struct Told(Arc<Mutex<Vec<(Event, bool)>>>);

impl Told {
    pub(crate) fn note(&self, event: Event, has_resource: bool) {
        self.0.lock().unwrap().push((event, has_resource));
    }

    /// What was noted since the last time.
    pub(crate) fn take(&self) -> Vec<(Event, bool)> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// An app of all handlers, and what they are told.
pub(crate) fn app() -> (TestApp, Told) {
    let told = Told::default();
    // Each recording is looked at by itself: the sandbox has one version only of what they are about.
    let setup = |app: AppBuilder| app.state(told.clone()).set("FHIR_SUBSCRIPTION_IDEMPOTENCY", "off");
    (TestApp::with(Behaviour::Hapi, setup), told)
}
