use fhir_sub::prelude::*;

#[fhir_subscription(
    topic = "https://example.org/topics/admission",
    filter = "Encounter?status=finished",
    filter = "birthdate=2030-12-31",
    endpoint = "changes"
)]
async fn changes(_: Event) {}

fhir_lambda_main!();
