use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters", content = "empty", trust = "reference")]
async fn encounters(_: Event) {}

fhir_lambda_main!();
