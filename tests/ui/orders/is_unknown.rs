use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters", order = "newest")]
async fn encounters(_: Event) {}

fhir_lambda_main!();
