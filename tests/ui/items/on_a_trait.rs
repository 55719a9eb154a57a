use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
trait Encounters {}

fhir_lambda_main!();
