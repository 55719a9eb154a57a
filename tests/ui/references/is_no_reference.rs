use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter?subject=Patient/1/2", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
