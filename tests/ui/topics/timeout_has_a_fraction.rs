use fhir_sub::prelude::*;

#[fhir_subscription(
    topic = "https://example.org/topics/admission",
    timeout = 1.5,
    endpoint = "changes"
)]
async fn changes(_: Event) {}

fhir_lambda_main!();
