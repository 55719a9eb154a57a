use fhir_sub::prelude::*;

mod encounters {
    use fhir_sub::prelude::*;

    #[fhir_subscription(criteria = "Encounter", endpoint = "changes")]
    async fn changes(_: Event) {}
}

mod patients {
    use fhir_sub::prelude::*;

    #[fhir_subscription(criteria = "Patient", endpoint = "changes")]
    async fn changes(_: Event) {}
}

fhir_lambda_main!();
