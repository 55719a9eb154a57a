use fhir_sub::prelude::*;

#[fhir_subscription(
    criteria = "Ingredient?role=x",
    endpoint = "changes",
    fhir = "R4"
)]
async fn changes(_: Event) {}

fhir_lambda_main!();
