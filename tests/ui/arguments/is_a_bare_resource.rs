use fhir_sub::prelude::*;

#[derive(serde::Deserialize)]
struct Encounter {}

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async fn encounters(_: Encounter) {}

fhir_lambda_main!();
