use fhir_sub::prelude::*;

#[derive(serde::Deserialize, FhirResource)]
#[fhir(type = "Patient")]
struct Patient {}

#[fhir_subscription(
    topic = "https://example.org/topics/admission",
    filter = "Encounter?patient=Patient/1",
    endpoint = "changes"
)]
async fn changes(_: Resource<Patient>) {}

fhir_lambda_main!();
