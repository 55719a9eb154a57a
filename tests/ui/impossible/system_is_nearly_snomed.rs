use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Observation?code=http://snomed.info/sct/|73211009", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
