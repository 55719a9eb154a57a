use fhir_sub::prelude::*;

#[fhir_subscription(
    topic = "https://example.org/topics/admission",
    max_count = 10u32,
    endpoint = "changes"
)]
async fn changes(_: Event) {}

fhir_lambda_main!();
