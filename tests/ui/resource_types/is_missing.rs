use fhir_sub::prelude::*;

#[derive(serde::Deserialize, FhirResource)]
struct Appointment {}

fhir_lambda_main!();
