use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async extern "C" fn encounters(_: Event) {}

fhir_lambda_main!();
