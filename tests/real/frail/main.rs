//! A program whose handlers dawdle and fail, and which is killed again and again.
//!
//! Each handler writes down that it runs, and has an effect under the idempotency key. The suite compares them with what
//! the server has in the end.

mod effects;
mod handlers;
mod work;

use std::time::Duration;

use fhir_sub::prelude::*;

async fn setup(app: AppBuilder) -> Result<AppBuilder> {
    let app = app.state(work::Work::from_environment()?);
    // What a killed process was at is free again a little later.
    Ok(match std::env::var("FRAIL_SECONDS") {
        Ok(seconds) => app.time_limit(Duration::from_secs(seconds.parse()?)),
        Err(_) => app,
    })
}

fhir_lambda_main!(setup = setup);
