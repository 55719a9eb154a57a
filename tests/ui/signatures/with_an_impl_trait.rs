use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async fn encounters(_: Event, _: Resource<impl serde::de::DeserializeOwned>) {}

fhir_lambda_main!();
