use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async fn encounters<T: serde::de::DeserializeOwned>(_: Resource<T>) {}

fhir_lambda_main!();
