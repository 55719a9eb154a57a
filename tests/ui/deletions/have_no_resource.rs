use fhir_sub::prelude::*;

#[derive(serde::Deserialize, FhirResource)]
#[fhir(type = "Encounter")]
struct Encounter {}

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters", on = [create, update, delete])]
async fn encounters(_: Resource<Encounter>) {}

fhir_lambda_main!();
