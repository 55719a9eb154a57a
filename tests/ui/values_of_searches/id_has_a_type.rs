use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Patient?_id=Patient/1", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
