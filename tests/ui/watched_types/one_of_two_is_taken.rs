use fhir_sub::prelude::*;

#[derive(serde::Deserialize, FhirResource)]
#[fhir(type = "Encounter")]
struct Encounter {}

#[fhir_subscription(criteria = "[Encounter,Patient]", endpoint = "both")]
async fn both(_: Resource<Encounter>) {}

fhir_lambda_main!();
