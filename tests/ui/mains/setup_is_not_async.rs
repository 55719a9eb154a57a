use fhir_sub::prelude::*;

fn setup(app: AppBuilder) -> Result<AppBuilder> {
    Ok(app)
}

fhir_lambda_main!(setup = setup);
