use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "AppointmentResponse?patient=1&location=1", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
