use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Patient/123/Observation?code=8867-4", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
