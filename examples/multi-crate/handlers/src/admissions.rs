//! What happens when a patient is admitted.

use fhir_sub::prelude::*;
use serde_json::Value;

use crate::Beds;

/// Count a bed as taken when a patient's stay begins.
#[fhir_subscription(criteria = "Encounter?class=IMP&status=in-progress", endpoint = "admissions")]
async fn admissions(_encounter: Resource<Value>, event: Event, beds: State<Beds>) -> Result<()> {
    tracing::info!(beds = beds.0.0, interaction = %event.interaction(), "a patient was admitted");
    Ok(())
}
