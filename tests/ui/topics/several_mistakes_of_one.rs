use fhir_sub::prelude::*;

#[fhir_subscription(
    topic = "admission",
    filter = "Encounter?statsu=finished",
    filter = "Encountr?patient=Patient/1",
    heartbeat = 0,
    timeout = "30",
    max_count = 1001,
    content = "full",
    fhir = "R6"
)]
async fn changes(_: Event) {}

fhir_lambda_main!();
