//! A program with two tenants, whose handlers say which one they run for.

use std::io::Write;

use fhir_sub::prelude::*;
use serde_json::Value;

async fn setup(app: AppBuilder) -> Result<AppBuilder> {
    Ok(app.tenant("north", |north| north).tenant("south", |south| south))
}

fhir_lambda_main!(setup = setup);

/// Take each patient of whichever tenant.
#[fhir_subscription(criteria = "Patient?", endpoint = "patients")]
async fn patients(_patient: Resource<Value>, incoming: Incoming) -> Result<()> {
    let tenant = incoming.tenant().unwrap_or("nobody");
    writeln!(std::io::stdout().lock(), "called patients of {tenant}")?;
    Ok(())
}

/// Give each patient up.
#[fhir_subscription(criteria = "Patient?", endpoint = "refuses")]
async fn refuses(_patient: Resource<Value>, incoming: Incoming) -> Result<()> {
    let tenant = incoming.tenant().unwrap_or("nobody");
    writeln!(std::io::stdout().lock(), "called refuses of {tenant}")?;
    Err(Error::permanent(format!("{tenant} takes no patient")))
}
