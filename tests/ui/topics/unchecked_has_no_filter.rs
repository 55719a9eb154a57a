use fhir_sub::prelude::*;

#[fhir_subscription(
    topic = "https://example.org/topics/admission",
    unchecked = true,
    endpoint = "changes"
)]
async fn changes(_: Event) {}

fhir_lambda_main!();
