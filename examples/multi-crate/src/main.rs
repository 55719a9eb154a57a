//! The program of a ward: its handlers live in the crate `ward-handlers`.

use fhir_sub::prelude::*;
use ward_handlers::Beds;

/// What the handlers share.
async fn setup(app: AppBuilder) -> Result<AppBuilder> {
    let beds = std::env::var("BEDS").ok().map(|beds| beds.parse()).transpose()?;
    Ok(app.state(Beds(beds.unwrap_or(24))))
}

// A crate that nothing names is not linked, and its handlers would be missing: so it is named here.
fhir_lambda_main!(crates = [ward_handlers], setup = setup);
