use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
const ENCOUNTERS: u8 = 0;

fhir_lambda_main!();
