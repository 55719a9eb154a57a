//! A program with a handler for everything that a handler can do, good and bad.
//!
//! Each handler writes to standard output when it is called, so that a test can count.

mod arguments;
mod endings;

use std::io::Write;
use std::time::Duration;

use fhir_sub::prelude::*;

/// The state that a handler takes.
struct Ward {
    name: String,
}

async fn setup(app: AppBuilder) -> Result<AppBuilder> {
    let mut app = app.state(Ward { name: "north".into() });
    // A test does not wait for 25 seconds, and does not send 6 MiB if less is enough.
    if let Ok(limit) = std::env::var("TIME_LIMIT_MILLISECONDS") {
        app = app.time_limit(Duration::from_millis(limit.parse()?));
    }
    if let Ok(limit) = std::env::var("BODY_LIMIT") {
        app = app.body_limit(limit.parse()?);
    }
    Ok(app)
}

fhir_lambda_main!(setup = setup);

/// Writes that `handler` was called. Further details follow the name.
fn called(handler: &str) {
    let mut output = std::io::stdout().lock();
    writeln!(output, "called {handler}").expect("a test that reads");
}
