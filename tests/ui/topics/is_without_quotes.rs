use fhir_sub::prelude::*;

#[fhir_subscription(
    topic = ADMISSION,
    endpoint = "changes"
)]
async fn changes(_: Event) {}

fhir_lambda_main!();
