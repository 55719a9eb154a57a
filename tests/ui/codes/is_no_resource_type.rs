use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "CompartmentDefinition?resource=Person1", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
