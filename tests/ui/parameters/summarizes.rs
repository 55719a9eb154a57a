use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter?_summary=true", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
