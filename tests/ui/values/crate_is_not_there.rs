use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters", crate = another_name)]
async fn encounters(_: Event) {}

fhir_lambda_main!();
