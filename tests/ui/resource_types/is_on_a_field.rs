use fhir_sub::prelude::*;

#[derive(serde::Deserialize, FhirResource)]
#[fhir(type = "Appointment")]
struct Appointment {
    #[fhir(type = "id")]
    id: String,
}

fhir_lambda_main!();
