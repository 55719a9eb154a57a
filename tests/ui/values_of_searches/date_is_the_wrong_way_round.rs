use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter?date=31-12-2030", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
