use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters", end = "2030-02-30T00:00:00Z")]
async fn encounters(_: Event) {}

fhir_lambda_main!();
