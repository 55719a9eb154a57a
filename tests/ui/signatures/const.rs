use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
const fn encounters() {}

fhir_lambda_main!();
