use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
unsafe extern "C" fn encounters(_: Event, _: ...) {}

fhir_lambda_main!();
