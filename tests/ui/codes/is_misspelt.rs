use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Appointment?status=arived", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
