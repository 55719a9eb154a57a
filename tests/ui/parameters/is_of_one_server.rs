use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Patient?_compartment=Practitioner/1", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
