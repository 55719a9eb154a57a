use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async fn encounters<'a>(_: Event) -> Result<(), &'a str> {
    Ok(())
}

fhir_lambda_main!();
