//! A program with slow and failing handlers, which is killed again and again.
//!
//! Each handler records that it runs, and has an effect under the idempotency key. The suite compares the
//! records with the server's final state.

mod effects;
mod handlers;
mod work;

use std::time::Duration;

use fhir_sub::prelude::*;

async fn setup(app: AppBuilder) -> Result<AppBuilder> {
    let app = app.state(work::Work::from_environment()?);
    // The leases of a killed process end a little later.
    Ok(match std::env::var("FRAIL_SECONDS") {
        Ok(seconds) => app.time_limit(Duration::from_secs(seconds.parse()?)),
        Err(_) => app,
    })
}

fhir_lambda_main!(setup = setup);
