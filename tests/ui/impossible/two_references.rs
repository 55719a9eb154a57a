use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Observation?subject=Patient/1&subject=Patient/2", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
