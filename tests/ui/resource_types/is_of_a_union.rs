use fhir_sub::prelude::*;

#[derive(Clone, Copy, FhirResource)]
#[fhir(type = "Appointment")]
union Appointment {
    number: u8,
}

fhir_lambda_main!();
