use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Patient?email=a+b@example.org", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
