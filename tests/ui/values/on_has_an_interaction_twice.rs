use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters", on = [create, update, create])]
async fn encounters(_: Event) {}

fhir_lambda_main!();
