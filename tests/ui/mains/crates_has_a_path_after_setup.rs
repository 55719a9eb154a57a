use fhir_sub::prelude::*;

async fn setup(app: AppBuilder) -> Result<AppBuilder> {
    Ok(app)
}

fhir_lambda_main!(setup = setup, crates = [billing::handlers]);
