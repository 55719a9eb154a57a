use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Patient?name=100%", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
