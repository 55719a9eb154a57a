use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters", reason = concat!("Bill what ", "was done"))]
async fn encounters(_: Event) {}

fhir_lambda_main!();
