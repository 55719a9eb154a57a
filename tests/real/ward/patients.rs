//! The usual handler: a resource, at each create and update.

use fhir_sub::prelude::*;
use serde::Deserialize;

use crate::release;

#[derive(Deserialize)]
struct Patient {
    id: String,
    #[serde(default)]
    name: Vec<serde_json::Value>,
}

/// Greet the patients.
#[fhir_subscription(
    criteria = "Patient?active=true",
    endpoint = "patients",
    registration = release::change_registration
)]
async fn patients(patient: Resource<Patient>, event: Event) {
    tracing::trace!("what is never told is looked for at this level too");
    tracing::info!(
        handler = "patients",
        id = patient.id,
        names = patient.name.len(),
        version = event.version_id()
    );
}
