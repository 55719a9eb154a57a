use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter?status=http://snomed.info/sct|55561003", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
