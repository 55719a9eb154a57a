//! A handler that wants deletions too, and trusts only the server.

use fhir_sub::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Observation {
    id: String,
}

/// Keep the ward's board up to date.
#[fhir_subscription(
    criteria = "Observation?status=final",
    endpoint = "observations",
    on = [create, update, delete],
    trust = "reference"
)]
async fn observations(observation: Option<Resource<Observation>>, event: Event) {
    tracing::info!(
        handler = "observations",
        id = observation.as_ref().map(|observation| observation.id.as_str()),
        is_there = observation.is_some(),
        focus = event.focus(),
        interaction = %event.interaction()
    );
}
