use fhir_sub::prelude::*;

#[fhir_subscription(topic = "https://example.org/topics/admission", endpoint = "encounters", content = "empty", trust = "reference")]
async fn encounters(_: Event) {}

fhir_lambda_main!();
