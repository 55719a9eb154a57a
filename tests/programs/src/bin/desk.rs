//! A program for the page of `serve`: one handler that succeeds, one that fails, and one that gives up.

use fhir_sub::prelude::*;
use serde_json::{Value, json};

/// Create an encounter when a patient arrives for an appointment.
#[fhir_subscription(criteria = "Appointment?status=arrived", endpoint = "arrived-appointments")]
async fn arrived_appointments(appointment: Resource<Value>, fhir: FhirClient) -> Result<()> {
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

/// Tell the ward of each final result, which the ward's system does not take unless it has a value.
#[fhir_subscription(criteria = "Observation?status=final", endpoint = "final-results")]
async fn final_results(observation: Resource<Value>) -> Result<()> {
    match observation["valueString"].is_string() {
        true => Ok(()),
        false => Err(Error::transient("the ward's system does not take a result without a value")),
    }
}

/// Give each task to the ward, which must be known to the server.
#[fhir_subscription(criteria = "Task?status=requested", endpoint = "requested-tasks", on = [create])]
async fn requested_tasks(_task: Resource<Value>, fhir: FhirClient) -> Result<()> {
    match fhir.read::<Value>("Organization", "ward").await {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::permanent("there is no ward that could do a task: create Organization/ward")),
    }
}

fhir_lambda_main!();
