use fhir_sub::prelude::*;

#[derive(serde::Deserialize, FhirResource)]
#[fhir(type = "Visit")]
struct Visit {}

fhir_lambda_main!();
