use fhir_sub::prelude::*;

#[fhir_subscription(
    criteria = "Patient?ward:exact=7",
    endpoint = "changes",
    also = ["ward:exact"]
)]
async fn changes(_: Event) {}

fhir_lambda_main!();
