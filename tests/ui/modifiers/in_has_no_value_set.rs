use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Observation?code:in=vital-signs", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
