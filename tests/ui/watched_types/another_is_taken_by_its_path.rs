use fhir_sub::prelude::*;

mod model {
    #[derive(serde::Deserialize, fhir_sub::FhirResource)]
    #[fhir(type = "AppointmentResponse")]
    pub struct Response {}
}

#[fhir_subscription(criteria = "Appointment", endpoint = "appointments")]
async fn appointments(_: fhir_sub::Resource<crate::model::Response>) {}

fhir_lambda_main!();
