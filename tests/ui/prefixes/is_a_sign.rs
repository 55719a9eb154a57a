use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter?date>=2030-01-01", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
