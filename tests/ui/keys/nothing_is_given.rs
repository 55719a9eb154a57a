use fhir_sub::prelude::*;

#[fhir_subscription]
async fn encounters(_: Event) {}

fhir_lambda_main!();
