use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters", registration = with_contact)]
async fn encounters(_: Event) {}

fhir_lambda_main!();
