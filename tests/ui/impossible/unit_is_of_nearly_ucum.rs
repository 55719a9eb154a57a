use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Observation?value-quantity=5.4|http://unitsofmeasure.org/|mg", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
