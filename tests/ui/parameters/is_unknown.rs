use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Slot?room=7", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
