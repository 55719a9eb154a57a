use fhir_sub::prelude::*;

#[derive(serde::Deserialize, FhirResource)]
#[fhir(type = "Appointment?status=arrived")]
struct Appointment {}

fhir_lambda_main!();
