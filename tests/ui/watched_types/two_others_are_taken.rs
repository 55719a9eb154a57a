use fhir_sub::prelude::*;

#[derive(serde::Deserialize, FhirResource)]
#[fhir(type = "Encounter")]
struct Encounter {}

#[derive(serde::Deserialize)]
struct Patient {}

impl FhirResource for Patient {
    const TYPE: &'static str = "Patient";
}

#[fhir_subscription(criteria = "Appointment", endpoint = "appointments")]
async fn appointments(_: Resource<Encounter>, _: Event, _: Resource<Patient>) {}

fhir_lambda_main!();
