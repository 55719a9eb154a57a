//! The smallest whole program that writes to the FHIR server: an encounter for each arrival.

use fhir_sub::prelude::*;
use serde_json::{Value, json};

/// The name of a handler must not matter to the entry point.
#[fhir_subscription(criteria = "Appointment?status=arrived", endpoint = "arrived-appointments")]
async fn run(appointment: Resource<Value>, fhir: FhirClient) -> Result<()> {
    let reference = format!("Appointment/{}", appointment["id"].as_str().unwrap_or_default());
    let encounter = json!({
        "resourceType": "Encounter",
        "status": "arrived",
        "class": { "code": "AMB" },
        "appointment": [{ "reference": reference }],
    });
    fhir.create("Encounter", &encounter).if_none_exist(&[("appointment", &reference)]).await?;
    Ok(())
}

fhir_lambda_main!();
