use fhir_sub::prelude::*;

#[fhir_subscription(
    criteria = "Patient?ward=7",
    endpoint = "changes",
    also = ["ward"],
    unchecked = true
)]
async fn changes(_: Event) {}

fhir_lambda_main!();
