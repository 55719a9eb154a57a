use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters", retries = 3)]
async fn encounters(_: Event) {}

fhir_lambda_main!();
