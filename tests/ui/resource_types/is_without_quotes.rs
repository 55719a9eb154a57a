use fhir_sub::prelude::*;

#[derive(serde::Deserialize, FhirResource)]
#[fhir(type = Appointment)]
struct Appointment {}

fhir_lambda_main!();
