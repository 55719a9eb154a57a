use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Observation?code:code-text=heart", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
