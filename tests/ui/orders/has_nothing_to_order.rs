use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters", content = "empty", order = "latest")]
async fn encounters(_: Event) {}

fhir_lambda_main!();
