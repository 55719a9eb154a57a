use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "dead-letters")]
async fn encounters(_: Event) {}

fhir_lambda_main!();
