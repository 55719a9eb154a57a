use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Observation?value-quantity=high", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
