//! A program whose handlers dawdle and fail, and which is killed again and again.
//!
//! Each handler writes down that it runs, and has an effect under the idempotency key. The suite compares them with what
//! the server has in the end.

mod effects;
mod handlers;
mod work;

use fhir_sub::prelude::*;

async fn setup(app: AppBuilder) -> Result<AppBuilder> {
    Ok(app.state(work::Work::from_environment()?))
}

fhir_lambda_main!(setup = setup);
