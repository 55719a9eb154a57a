use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async fn encounters(event: Event) -> Result<()> {
    event.nothing();
    Ok(())
}

fhir_lambda_main!();
