use fhir_sub::prelude::*;

#[derive(serde::Deserialize, FhirResource)]
#[fhir(type = "Encounter")]
struct Encounter {}

type Arrived = Resource<Encounter>;

#[fhir_subscription(criteria = "Appointment?status=arrived", endpoint = "arrived-appointments")]
async fn arrived_appointments(_: Arrived) {}

fhir_lambda_main!();
