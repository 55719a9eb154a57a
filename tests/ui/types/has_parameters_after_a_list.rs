use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "[Patient,Observation]?_id=1", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
