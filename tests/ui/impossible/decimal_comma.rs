use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "RiskAssessment?probability=gt0,8", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
