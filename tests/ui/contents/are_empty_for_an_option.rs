use fhir_sub::prelude::*;

#[derive(serde::Deserialize, FhirResource)]
#[fhir(type = "Encounter")]
struct Encounter {}

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters", content = "empty")]
async fn encounters(_: Option<Resource<Encounter>>, _: Event) {}

fhir_lambda_main!();
