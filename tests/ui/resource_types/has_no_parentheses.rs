use fhir_sub::prelude::*;

#[derive(serde::Deserialize, FhirResource)]
#[fhir = "Appointment"]
struct Appointment {}

fhir_lambda_main!();
