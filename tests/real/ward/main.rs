//! A program with a handler of each kind. The suites register it with a real server, and make it run.
//!
//! A handler logs which event it got, but nothing of the resource: the suites search every line for that.

mod observations;
mod patients;
mod release;
mod slots;
mod tasks;

use fhir_sub::prelude::*;

async fn setup(app: AppBuilder) -> Result<AppBuilder> {
    Ok(app.state(tasks::Tries::default()))
}

fhir_lambda_main!(setup = setup);
