use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Observation?value-quantity=gt5.4|mg", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
