use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Patient?_has:Observation:patient:cod=8867-4", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
