//! Signs in at the FHIR server as a SMART Backend Service, with a key that never leaves AWS KMS.

mod in_kms;

use fhir_sub::prelude::*;

use crate::in_kms::InKms;

/// Handle a patient that is new or has changed.
#[fhir_subscription(criteria = "Patient?active=true", endpoint = "active-patients")]
async fn active_patients(event: Event) {
    let _ = event;
}

async fn setup(app: AppBuilder) -> Result<AppBuilder> {
    Ok(app.signer(InKms::from_environment().await?))
}

fhir_lambda_main!(setup = setup);
