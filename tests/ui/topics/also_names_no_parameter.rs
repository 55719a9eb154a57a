use fhir_sub::prelude::*;

#[fhir_subscription(
    topic = "https://example.org/topics/admission",
    filter = "Encounter?ward=7",
    also = ["ward", "bed"],
    endpoint = "changes"
)]
async fn changes(_: Event) {}

fhir_lambda_main!();
