use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters", on = [create, remove])]
async fn encounters(_: Event) {}

fhir_lambda_main!();
