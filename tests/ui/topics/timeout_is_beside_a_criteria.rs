use fhir_sub::prelude::*;

#[fhir_subscription(
    criteria = "Encounter?status=finished",
    heartbeat = 60,
    timeout = 30,
    max_count = 10,
    endpoint = "changes"
)]
async fn changes(_: Event) {}

fhir_lambda_main!();
