use fhir_sub::prelude::*;

#[derive(serde::Deserialize, FhirResource)]
#[fhir(type = "Encounter")]
struct Encounter {}

#[fhir_subscription(criteria = "Patient", endpoint = "patients", on = [create, update, delete])]
async fn patients(_: Resource<Encounter>) {}

fhir_lambda_main!();
