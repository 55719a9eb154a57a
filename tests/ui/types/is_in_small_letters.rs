use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "appointment?status=arrived", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
