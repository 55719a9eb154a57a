use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter?subject=mrn|446053", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
