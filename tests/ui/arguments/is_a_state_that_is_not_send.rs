use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async fn encounters(_: State<std::rc::Rc<u8>>) {}

fhir_lambda_main!();
