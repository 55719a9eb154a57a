use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters", trust = "references")]
async fn encounters(_: Event) {}

fhir_lambda_main!();
