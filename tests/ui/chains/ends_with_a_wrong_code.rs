use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter?patient.gender=f", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
