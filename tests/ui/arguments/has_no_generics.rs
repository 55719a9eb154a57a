use fhir_sub::prelude::*;

#[derive(serde::Deserialize)]
struct Encounter<T>(T);

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async fn encounters(_: Resource<Encounter>) {}

fhir_lambda_main!();
