use fhir_sub::prelude::*;

#[fhir_subscription(
    criteria = "Encounter?status=finished",
    topic = "https://example.org/topics/admission",
    endpoint = "changes"
)]
async fn changes(_: Event) {}

fhir_lambda_main!();
