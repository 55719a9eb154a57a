use fhir_sub::prelude::*;

#[fhir_subscription(
    criteria = "Patient?active=true",
    endpoint = "changes",
    also = []
)]
async fn changes(_: Event) {}

fhir_lambda_main!();
