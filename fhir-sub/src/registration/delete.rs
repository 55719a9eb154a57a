//! Deletes a Subscription.

use crate::client::{Error, FhirClient};

/// Deletes the Subscription `id`. It may be gone already: another run, or an operator, was faster.
pub(super) async fn delete(client: &FhirClient, id: &str) -> Result<(), Error> {
    match client.delete("Subscription", id).await {
        Err(error) if !(error.is_gone() || error.is_not_found()) => Err(error),
        _ => Ok(()),
    }
}
