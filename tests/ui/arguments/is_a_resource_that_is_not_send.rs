use fhir_sub::prelude::*;

#[derive(serde::Deserialize)]
#[serde(from = "u8")]
struct Encounter(std::rc::Rc<u8>);

impl From<u8> for Encounter {
    fn from(value: u8) -> Self {
        Self(value.into())
    }
}

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async fn encounters(_: Resource<Encounter>) {}

fhir_lambda_main!();
