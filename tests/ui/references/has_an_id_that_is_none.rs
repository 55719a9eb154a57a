use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter?subject:Patient=a_b", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
