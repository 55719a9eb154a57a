use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "ValueSet?url=http:/example.org/colours", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
