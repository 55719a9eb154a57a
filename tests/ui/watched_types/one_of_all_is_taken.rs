use fhir_sub::prelude::*;

#[derive(serde::Deserialize, FhirResource)]
#[fhir(type = "Encounter")]
struct Encounter {}

#[fhir_subscription(criteria = "[*]", endpoint = "all", on = [create, update, delete])]
async fn all(_: Option<Resource<Encounter>>) {}

fhir_lambda_main!();
