//! [`FhirClient`] as an argument.

use super::FromNotification;
use crate::client::FhirClient;
use crate::notification::Notification;
use crate::rejection::Rejection;

impl FromNotification for FhirClient {
    const EVENT: bool = false;
    const REQUIREMENTS: bool = false;

    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        Ok(notification.fhir_client())
    }
}
