use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Observation?code=loinc|8867-4", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
