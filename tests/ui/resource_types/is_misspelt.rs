use fhir_sub::prelude::*;

#[derive(serde::Deserialize, FhirResource)]
#[fhir(type = "Appointmnt")]
struct Visit {}

fhir_lambda_main!();
