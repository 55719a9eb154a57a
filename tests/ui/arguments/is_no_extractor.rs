use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async fn encounters(event: Event, count: u32) {
    let _ = (event, count);
}

fhir_lambda_main!();
