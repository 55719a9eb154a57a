use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Observation?value-quantity=5.4|ucum|mg", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
