use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Patient?birthDate=2000-01-01", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
