use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter?date=ge2030-01-01T12", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
