use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter?patient..name=peter", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
