use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async fn encounters(_: Event) -> Option<()> {
    None
}

fhir_lambda_main!();
