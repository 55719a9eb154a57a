use fhir_sub::prelude::*;

#[fhir_subscription(
    criteria = "Patient?ward=7",
    endpoint = "changes",
    unchecked = "yes"
)]
async fn changes(_: Event) {}

fhir_lambda_main!();
