use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Condition?clinical_status=active", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
