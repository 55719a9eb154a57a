use fhir_sub::prelude::*;

#[fhir_subscription(
    topic = "https://example.org/topics/admission",
    filter = "Encounter?status=planned",
    filter = "Encounter?class=IMP&status=finished",
    endpoint = "changes"
)]
async fn changes(_: Event) {}

fhir_lambda_main!();
