use fhir_sub::prelude::*;

#[fhir_subscription(
    criteria = "Patient?ward=7",
    endpoint = "changes",
    also = ["wards", "ward"]
)]
async fn changes(_: Event) {}

fhir_lambda_main!();
