//! The smallest whole program that writes to the FHIR server: an encounter for each arrival.

use fhir_sub::prelude::*;
use serde_json::{Value, json};

/// The entry point must not mind what a handler is called.
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
