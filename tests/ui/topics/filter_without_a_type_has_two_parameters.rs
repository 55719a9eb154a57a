use fhir_sub::prelude::*;

#[fhir_subscription(
    topic = "https://example.org/topics/admission",
    filter = "patient=Patient/1&status=finished",
    endpoint = "changes"
)]
async fn changes(_: Event) {}

fhir_lambda_main!();
