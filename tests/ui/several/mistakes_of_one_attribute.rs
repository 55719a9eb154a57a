use fhir_sub::prelude::*;

#[fhir_subscription(
    critera = "Encounter",
    endpoint = "a/b",
    on = [create, remove],
    content = "full",
    fhir = "R6",
    end = "2030",
    registration = "with_contact",
    retries = 3,
    reason = ""
)]
fn encounters<T>(self, _: Resource<T>, _: impl Send) -> u8 {
    0
}

fhir_lambda_main!();
