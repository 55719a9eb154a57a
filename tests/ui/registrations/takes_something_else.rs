use fhir_sub::prelude::*;

fn with_contact(subscription: Subscription) {
    let _ = subscription;
}

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters", registration = with_contact)]
async fn encounters(_: Event) {}

fhir_lambda_main!();
