use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "DomainResource", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
