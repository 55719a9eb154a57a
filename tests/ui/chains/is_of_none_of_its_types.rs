use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter?subject.colour=red", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
