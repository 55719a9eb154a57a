use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Condition?clinical-status=http://hl7.org/fhir/condition-clinical|active", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
