use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Observation?code-value-quantity:missing=true", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
