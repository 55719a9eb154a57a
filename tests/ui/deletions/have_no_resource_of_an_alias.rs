use fhir_sub::prelude::*;

#[derive(serde::Deserialize, FhirResource)]
#[fhir(type = "Encounter")]
struct Encounter {}

type Finished = Resource<Encounter>;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters", on = [delete])]
async fn encounters(_: Event, _: Finished) {}

fhir_lambda_main!();
