use fhir_sub::prelude::*;

// The attribute sees the function and not the `impl` around it, so the words are the compiler's own.
struct Encounters;

impl Encounters {
    #[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
    async fn handle(_: Event) {}
}

fhir_lambda_main!();
