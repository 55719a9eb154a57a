use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Patient?phone=+15555550100", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
