use fhir_sub::prelude::*;

#[fhir_subscription(
    criteria = "MedicinalProduct?name=x",
    endpoint = "changes",
    fhir = "R4B"
)]
async fn changes(_: Event) {}

fhir_lambda_main!();
