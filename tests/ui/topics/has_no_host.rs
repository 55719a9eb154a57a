use fhir_sub::prelude::*;

#[fhir_subscription(
    topic = "https:///topics/admission",
    endpoint = "changes"
)]
async fn changes(_: Event) {}

fhir_lambda_main!();
