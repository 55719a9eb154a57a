//! [`Status`]: the entry of a topic notification that says what it is. R4B and R5 have a resource for it,
//! SubscriptionStatus; R4's Parameters are in `parameters`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::json::{List, Number, Object, Scalar};
use super::reference::{ReferenceElement, literal};
use crate::text::Text;

/// What the server says of a notification, in whichever encoding.
#[derive(Debug, Default)]
pub(super) struct Status<'a> {
    pub(super) kind: Option<Kind>,
    pub(super) subscription: Option<Text<'a>>,
    pub(super) topic: Option<Text<'a>>,
    /// Whatever else than a number it is, it is no reason to turn the notification down.
    pub(super) events_since_start: Option<u64>,
    pub(super) events: List<StatusEvent<'a>>,
}

/// A `notificationEvent`.
#[derive(Debug, Default)]
pub(super) struct StatusEvent<'a> {
    pub(super) number: Option<u64>,
    pub(super) timestamp: Option<Text<'a>>,
    pub(super) focus: Focus<'a>,
}

/// What an event is about.
#[derive(Debug, Default)]
pub(super) enum Focus<'a> {
    /// It does not say: `content` is `empty`.
    #[default]
    Absent,
    /// In words or by an identifier, which is nothing to read.
    Unnamed,
    /// By a literal reference.
    Named(Text<'a>),
}

/// The codes of <https://hl7.org/fhir/R5/valueset-subscription-notification-type.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Handshake,
    Heartbeat,
    EventNotification,
    QueryStatus,
    QueryEvent,
}

impl Kind {
    pub(super) fn from_code(code: &str) -> Option<Self> {
        Some(match code {
            "handshake" => Self::Handshake,
            "heartbeat" => Self::Heartbeat,
            "event-notification" => Self::EventNotification,
            "query-status" => Self::QueryStatus,
            "query-event" => Self::QueryEvent,
            _ => return None,
        })
    }
}

/// SubscriptionStatus: <https://hl7.org/fhir/R5/subscriptionstatus.html>.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SubscriptionStatus<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    subscription: Option<Object<ReferenceElement<'a>>>,
    #[serde(borrow)]
    topic: Option<Text<'a>>,
    #[serde(borrow)]
    events_since_subscription_start: Option<&'a RawValue>,
    #[serde(borrow)]
    notification_event: Option<List<Object<NotificationEvent<'a>>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NotificationEvent<'a> {
    event_number: Option<Number>,
    #[serde(borrow)]
    timestamp: Option<Text<'a>>,
    #[serde(borrow)]
    focus: Option<Object<ReferenceElement<'a>>>,
}

impl<'a> Status<'a> {
    /// Reads a SubscriptionStatus.
    pub(super) fn from_subscription_status(resource: &'a str) -> serde_json::Result<Self> {
        let Object(status): Object<SubscriptionStatus<'a>> = serde_json::from_str(resource)?;
        let List { items, count } = status.notification_event.unwrap_or_default();
        Ok(Self {
            kind: status.kind.as_deref().and_then(Kind::from_code),
            subscription: literal(status.subscription),
            topic: status.topic,
            events_since_start: status.events_since_subscription_start.and_then(number),
            events: List { items: items.into_iter().map(StatusEvent::from).collect(), count },
        })
    }
}

fn number(json: &RawValue) -> Option<u64> {
    serde_json::from_str::<Scalar<'_>>(json.get()).ok()?.number()
}

impl<'a> From<Object<NotificationEvent<'a>>> for StatusEvent<'a> {
    fn from(Object(event): Object<NotificationEvent<'a>>) -> Self {
        let number = event.event_number.map(|Number(number)| number);
        Self { number, timestamp: event.timestamp, focus: Focus::from(event.focus) }
    }
}

impl<'a> From<Option<Object<ReferenceElement<'a>>>> for Focus<'a> {
    fn from(element: Option<Object<ReferenceElement<'a>>>) -> Self {
        match element {
            None => Self::Absent,
            Some(Object(ReferenceElement { reference: None })) => Self::Unnamed,
            Some(Object(ReferenceElement { reference: Some(reference) })) => Self::Named(reference),
        }
    }
}
