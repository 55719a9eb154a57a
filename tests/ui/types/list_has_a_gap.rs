use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "[Patient,,Observation]", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
