use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async fn encounters(_: Event) {
    let count = std::rc::Rc::new(1);
    std::future::ready(()).await;
    drop(count);
}

fhir_lambda_main!();
