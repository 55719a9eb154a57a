use fhir_sub::prelude::*;

#[derive(serde::Deserialize, FhirResource)]
#[fhir("Appointment", typo = "Appointment" crate = "fhir_sub")]
enum Appointment {
    #[fhir(type = "Appointment")]
    Booked,
}

fhir_lambda_main!();
