use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = 1)]
async fn encounters(_: Event) {}

fhir_lambda_main!();
