use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters", end = "2030-12-31T23:59:59")]
async fn encounters(_: Event) {}

fhir_lambda_main!();
