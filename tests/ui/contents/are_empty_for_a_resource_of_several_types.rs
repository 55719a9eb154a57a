use fhir_sub::prelude::*;

#[derive(serde::Deserialize)]
struct Resources {}

#[fhir_subscription(criteria = "[Appointment,Encounter]", endpoint = "changes", content = "empty")]
async fn changes(_: Resource<Resources>) {}

fhir_lambda_main!();
