use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters", fhir = "R5")]
async fn encounters(_: Event) {}

fhir_lambda_main!();
