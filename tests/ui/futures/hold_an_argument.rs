use fhir_sub::prelude::*;

struct Count(std::rc::Rc<u8>);

impl fhir_sub::FromNotification for Count {
    async fn from_notification(_: &fhir_sub::Notification<'_>) -> Result<Self, fhir_sub::Rejection> {
        Ok(Self(1.into()))
    }
}

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async fn encounters(_: Event, count: Count) {
    std::future::ready(()).await;
    drop(count);
}

fhir_lambda_main!();
