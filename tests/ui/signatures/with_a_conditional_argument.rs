use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async fn encounters(_: Event, #[cfg(unix)] _: FhirClient) {}

fhir_lambda_main!();
