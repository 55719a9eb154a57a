use fhir_sub::prelude::*;

async fn setup(app: AppBuilder) {
    drop(app);
}

fhir_lambda_main!(setup = setup);
