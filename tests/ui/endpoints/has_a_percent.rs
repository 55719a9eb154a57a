use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "a%20b")]
async fn encounters(_: Event) {}

fhir_lambda_main!();
