//! When an encounter has finished, a task asks to call the patient.

use fhir_sub::prelude::*;
use serde::{Deserialize, Serialize};

/// The elements of an Encounter that the handler uses.
#[derive(Deserialize, FhirResource)]
#[fhir(type = "Encounter")]
struct Encounter {
    id: String,
    subject: Option<Reference>,
}

#[derive(Serialize, Deserialize, Clone)]
struct Reference {
    #[serde(default)]
    reference: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    resource_type: &'static str,
    status: &'static str,
    intent: &'static str,
    description: &'static str,
    focus: Reference,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#for: Option<Reference>,
}

/// Ask to call the patient after a finished encounter.
#[fhir_subscription(
    criteria = "Encounter?status=finished",
    endpoint = "finished-encounters"
)]
async fn finished_encounters(encounter: Resource<Encounter>, fhir: FhirClient) -> Result<()> {
    let task = Task {
        resource_type: "Task",
        status: "requested",
        intent: "order",
        description: "Call the patient",
        focus: Reference {
            reference: format!("Encounter/{}", encounter.id),
        },
        r#for: encounter.subject.clone(),
    };
    // The server creates the task only if the encounter has none, so a second run of the handler adds nothing.
    let of_the_encounter = search!("Task?focus=Encounter/{}", encounter.id);
    fhir.create("Task", &task)
        .if_none_exist(of_the_encounter)
        .await?;
    Ok(())
}

fhir_lambda_main!();

#[cfg(test)]
mod tests;
