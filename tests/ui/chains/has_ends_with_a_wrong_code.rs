use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Patient?_has:Observation:patient:status=finished", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
