//! [`Event`] as an argument.

use super::FromNotification;
use crate::event::Event;
use crate::notification::Notification;
use crate::rejection::Rejection;

impl FromNotification for Event {
    const REQUIREMENTS: bool = false;

    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        Ok(notification.event().clone())
    }
}
