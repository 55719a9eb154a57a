use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "ActorDefinition?status=active", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
