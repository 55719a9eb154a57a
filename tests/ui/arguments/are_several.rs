use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async fn encounters(_: u8, _: Event, _: String) {}

fhir_lambda_main!();
