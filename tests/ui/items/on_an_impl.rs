use fhir_sub::prelude::*;

struct Encounters;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
impl Encounters {}

fhir_lambda_main!();
