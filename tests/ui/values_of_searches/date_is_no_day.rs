use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter?date=ge2030-02-30", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
