use fhir_sub::prelude::*;

async fn with_contact(subscription: &mut Subscription) {
    let _ = subscription;
}

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters", registration = with_contact)]
async fn encounters(_: Event) {}

fhir_lambda_main!();
