use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters", crate = "fhir_sub")]
async fn encounters(_: Event) {}

fhir_lambda_main!();
