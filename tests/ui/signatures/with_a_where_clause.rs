use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async fn encounters(_: Event)
where
    Event: Send,
{
}

fhir_lambda_main!();
