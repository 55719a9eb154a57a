use fhir_sub::prelude::*;

struct Encounters;

impl Encounters {
    #[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
    async fn handle(&self, _: Event) {}
}

fhir_lambda_main!();
