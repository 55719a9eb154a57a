use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async fn encounters(_: Event) -> Result<u32> {
    Ok(0)
}

fhir_lambda_main!();
