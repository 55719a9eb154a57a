use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = ENDPOINT)]
async fn encounters(_: Event) {}

fhir_lambda_main!();
