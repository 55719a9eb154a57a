use fhir_sub::prelude::*;

#[derive(serde::Deserialize, FhirResource)]
#[fhir(type = "Appointment")]
#[fhir(type = "Encounter")]
struct Appointment {}

fhir_lambda_main!();
