use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter&status=finished", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
