//! [`Deadline`] as an argument.

use super::FromNotification;
use crate::deadline::Deadline;
use crate::notification::Notification;
use crate::rejection::Rejection;

impl FromNotification for Deadline {
    const EVENT: bool = false;
    const REQUIREMENTS: bool = false;

    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        Ok(notification.deadline())
    }
}
