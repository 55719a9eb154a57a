use fhir_sub::prelude::*;

struct Failure;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async fn encounters(_: Event) -> Result<(), Failure> {
    Err(Failure)
}

fhir_lambda_main!();
