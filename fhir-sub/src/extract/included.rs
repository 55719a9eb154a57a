//! [`Included`] as an argument.

use super::FromNotification;
use crate::included::Included;
use crate::notification::Notification;
use crate::rejection::Rejection;

impl FromNotification for Included {
    const EVENT: bool = false;
    const REQUIREMENTS: bool = false;
    const INCLUDED: bool = true;

    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        Ok(notification.included().clone())
    }
}
