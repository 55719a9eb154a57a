//! A program with a handler that takes a state that `setup` does not provide.

use fhir_sub::prelude::*;

struct Ward;

#[fhir_subscription(criteria = "Patient?", endpoint = "patients")]
async fn patients(_ward: State<Ward>) {}

fhir_lambda_main!();
