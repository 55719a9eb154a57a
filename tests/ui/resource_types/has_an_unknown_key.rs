use fhir_sub::prelude::*;

#[derive(serde::Deserialize, FhirResource)]
#[fhir(type = "Appointment", version = "R4")]
struct Appointment {}

fhir_lambda_main!();
