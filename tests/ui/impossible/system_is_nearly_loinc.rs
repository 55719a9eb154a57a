use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Observation?code=https://loinc.org|8480-6", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
