use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Patient?birthdate=ge2024-01-01&birthdate=lt2023-01-01", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
