use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Location?near=42.2565", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
