use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter?status:contains=fin", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
