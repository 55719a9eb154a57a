use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async fn encounters(_: Event) -> Result<Event> {
    todo!()
}

fhir_lambda_main!();
