use fhir_sub::prelude::*;

use fhir_sub::{FromNotification, Notification, Rejection, ResourceUse};

struct Status(String);

impl FromNotification for Status {
    const RESOURCE: ResourceUse = ResourceUse::Required;

    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        let Resource(status) = Resource::from_notification(notification).await?;
        Ok(Self(status))
    }
}

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters", on = [update, delete])]
async fn encounters(status: Status) {
    drop(status.0);
}

fhir_lambda_main!();
