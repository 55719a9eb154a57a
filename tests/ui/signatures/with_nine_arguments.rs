use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async fn encounters(
    _: Event,
    _: Event,
    _: Event,
    _: Event,
    _: Event,
    _: Event,
    _: Event,
    _: Event,
    _: FhirClient,
) {
}

fhir_lambda_main!();
