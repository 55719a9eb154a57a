use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Patient?name=Peter James", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
