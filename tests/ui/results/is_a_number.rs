use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async fn encounters(_: Event) -> u32 {
    0
}

fhir_lambda_main!();
