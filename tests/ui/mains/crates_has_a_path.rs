use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async fn encounters(_: Event) {}

fhir_lambda_main!(crates = [billing::handlers]);
