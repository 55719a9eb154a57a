use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter?date=gt-yesterday", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
