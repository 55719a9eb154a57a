use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Observation?code-value-quantity=8480-6$gt120$mm", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
