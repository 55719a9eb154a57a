use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Observation?code=http://loinc.org/2823-3", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
