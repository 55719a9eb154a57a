use fhir_sub::prelude::*;

#[fhir_subscription(
    topic = "https://example.org/topics/admission",
    filter = "Encounter.pateint=Patient/1",
    endpoint = "changes"
)]
async fn changes(_: Event) {}

fhir_lambda_main!();
