//! [`Incoming`] as an argument.

use super::FromNotification;
use crate::incoming::Incoming;
use crate::notification::Notification;
use crate::rejection::Rejection;

impl FromNotification for Incoming {
    const EVENT: bool = false;
    const REQUIREMENTS: bool = false;

    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        Ok(Self {
            tenant: notification.tenant().map(str::to_owned),
            endpoint: notification.endpoint().to_owned(),
            prefix: notification.prefix().to_owned(),
            headers: notification.way.headers.to_vec(),
        })
    }
}
