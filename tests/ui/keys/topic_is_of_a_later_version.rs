use fhir_sub::prelude::*;

#[fhir_subscription(topic = "https://example.org/topics/admission", endpoint = "admissions")]
async fn encounters(_: Event) {}

fhir_lambda_main!();
