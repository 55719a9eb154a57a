use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Patient?identifier:of-type=MR|446053", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
