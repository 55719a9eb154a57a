use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Appointment?status:not=canceled", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
