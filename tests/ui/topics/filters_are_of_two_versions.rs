use fhir_sub::prelude::*;

#[fhir_subscription(
    topic = "https://example.org/topics/admission",
    filter = "Encounter?status=finished",
    filter = "Encounter?end-date=ge2030-01-01",
    endpoint = "changes"
)]
async fn changes(_: Event) {}

fhir_lambda_main!();
