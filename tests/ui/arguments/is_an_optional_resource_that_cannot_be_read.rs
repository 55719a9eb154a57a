use fhir_sub::prelude::*;

struct Encounter;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async fn encounters(_: Option<Resource<Encounter>>) {}

fhir_lambda_main!();
