//! A program with a handler of each kind, for the suites to register with a real server and to drive.
//!
//! A handler says in the log what it was given, but nothing of what a resource holds: the suites look for that in
//! every line.

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
