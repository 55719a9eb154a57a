use fhir_sub::prelude::*;

#[fhir_subscription(
    filter = "Encounter?patient=Patient/1",
    endpoint = "changes"
)]
async fn changes(_: Event) {}

fhir_lambda_main!();
