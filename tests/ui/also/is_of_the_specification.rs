use fhir_sub::prelude::*;

#[fhir_subscription(
    criteria = "Patient?active=yes",
    endpoint = "changes",
    also = ["active"]
)]
async fn changes(_: Event) {}

fhir_lambda_main!();
