use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter?patient.organization.nmae=x", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
