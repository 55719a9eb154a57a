use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
pub enum Encounters {
    Finished,
}

fhir_lambda_main!();
