use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Appointment?statsu=arrived&date=>2030&patient.nme=x&status=arived", endpoint = "changes")]
async fn changes(_: Event) {}

fhir_lambda_main!();
