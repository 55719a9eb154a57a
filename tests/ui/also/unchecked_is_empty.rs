use fhir_sub::prelude::*;

#[fhir_subscription(
    criteria = "",
    endpoint = "changes",
    unchecked = true
)]
async fn changes(_: Event) {}

fhir_lambda_main!();
