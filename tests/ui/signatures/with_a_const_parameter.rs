use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async fn encounters<const LENGTH: usize>(_: Resource<[u8; LENGTH]>) {}

fhir_lambda_main!();
