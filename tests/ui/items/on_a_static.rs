use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
static ENCOUNTERS: u8 = 0;

fhir_lambda_main!();
