use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "RiskAssessment?probability=gt50%25", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
