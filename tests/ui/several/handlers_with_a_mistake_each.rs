use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter")]
async fn encounters(_: Event) {}

#[fhir_subscription(endpoint = "patients")]
async fn patients(_: Event) {}

// A mistake takes no function away.
async fn both(event: Event) {
    encounters(event.clone()).await;
    patients(event).await;
}

fhir_lambda_main!();
