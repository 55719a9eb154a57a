//! What happens when a patient goes home.

use fhir_sub::prelude::*;
use serde_json::Value;

/// Ask for the discharge letter when a patient's stay ends.
#[fhir_subscription(criteria = "Encounter?class=IMP&status=finished", endpoint = "discharges")]
async fn discharges(encounter: Resource<Value>, fhir: FhirClient) -> Result<()> {
    let id = encounter["id"].as_str().ok_or_else(|| Error::permanent("an encounter without an id"))?;
    let encounter = format!("Encounter/{id}");
    let task = serde_json::json!({
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "description": "Write the discharge letter",
        "focus": { "reference": encounter },
    });
    fhir.create("Task", &task).if_none_exist(&[("focus", &encounter)]).await?;
    Ok(())
}
