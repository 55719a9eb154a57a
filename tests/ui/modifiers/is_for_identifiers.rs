use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Patient?gender:of-type=a|b|c", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
