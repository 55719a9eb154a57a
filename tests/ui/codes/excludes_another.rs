use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Appointment?status=booked&status=arrived", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
