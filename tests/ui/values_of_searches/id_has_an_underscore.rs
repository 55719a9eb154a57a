use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Patient?_id=ward_7", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
