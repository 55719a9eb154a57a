//! [`Status`]: the entry that describes a topic notification. In R4B and R5 it is a SubscriptionStatus;
//! `parameters` has R4's.

use super::reference::{self, Identifier, ReferenceElement};
use crate::json::Text;
use crate::json::strict::{List, Number, Scalar};
use crate::json::{Mistake, Scanner, once};

/// A `Reference.type` is relative to this URL. Some servers write the whole URL.
const DEFINITIONS: &str = "http://hl7.org/fhir/StructureDefinition/";

/// The status of a notification, in any encoding.
#[derive(Debug, Default)]
pub(super) struct Status<'a> {
    pub(super) kind: Option<Kind>,
    /// Whether the Subscription is `off`: its server has ended it.
    pub(super) is_off: bool,
    pub(super) subscription: Option<Text<'a>>,
    pub(super) topic: Option<Text<'a>>,
    /// If it is not a number, the notification is still accepted.
    pub(super) events_since_start: Option<u64>,
    pub(super) events: List<StatusEvent<'a>>,
}

/// A `notificationEvent`.
#[derive(Debug, Default)]
pub(super) struct StatusEvent<'a> {
    pub(super) number: Option<u64>,
    pub(super) timestamp: Option<Text<'a>>,
    pub(super) focus: Focus<'a>,
    /// The element's own id: athenahealth's numbers restart in each notification, but these ids do not.
    pub(super) id: Option<Text<'a>>,
}

/// The focus of an event.
#[derive(Debug, Default)]
pub(super) enum Focus<'a> {
    /// Absent: `content` is `empty`.
    #[default]
    Absent,
    /// A description or an identifier, which cannot be read.
    Unnamed(Unnamed<'a>),
    /// A literal reference.
    Named(Text<'a>),
}

/// The content of a `Reference` without a `reference`.
#[derive(Debug, Default)]
pub(super) struct Unnamed<'a> {
    /// `Reference.type`
    pub(super) resource_type: Option<Text<'a>>,
    /// `Reference.identifier` as a search parameter: `system|value`.
    pub(super) identifier: Option<String>,
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
impl<'a> Status<'a> {
    /// Reads a SubscriptionStatus.
    pub(super) fn from_subscription_status(resource: &'a str) -> Result<Self, Mistake> {
        Scanner::read(resource, Self::scan)
    }

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, Mistake> {
        let (mut kind, mut code, mut subscription, mut topic) = (None, None, None, None);
        let (mut events_since_start, mut events) = (None, None);
        scanner.object(|scanner, name| match name {
            "type" => once(&mut kind, scanner.optional(Scanner::string)?),
            "status" => once(&mut code, scanner.optional(Scanner::string)?),
            "subscription" => once(&mut subscription, scanner.optional(reference::scan)?),
            "topic" => once(&mut topic, scanner.optional(Scanner::string)?),
            "eventsSinceSubscriptionStart" => {
                let (json, ()) = scanner.with_text(Scanner::ignore)?;
                once(&mut events_since_start, serde_json::from_str::<Scalar<'_>>(json).ok())
            }
            "notificationEvent" => once(&mut events, scanner.optional(StatusEvent::scan_all)?),
            _ => scanner.ignore(),
        })?;
        Ok(Self {
            kind: kind.flatten().and_then(|kind: Text<'_>| Kind::from_code(&kind)),
            is_off: code.flatten().is_some_and(|code: Text<'_>| &*code == "off"),
            subscription: subscription.flatten().and_then(|element: ReferenceElement<'_>| element.reference),
            topic: topic.flatten(),
            events_since_start: events_since_start.flatten().and_then(|number| number.number()),
            events: events.flatten().unwrap_or_default(),
        })
    }
}

impl<'a> StatusEvent<'a> {
    fn scan_all(scanner: &mut Scanner<'a>) -> Result<List<Self>, Mistake> {
        let mut events = List::default();
        scanner.list(|scanner| {
            events.add(Self::scan(scanner)?);
            Ok(())
        })?;
        Ok(events)
    }

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, Mistake> {
        let (mut number, mut timestamp, mut focus, mut id) = (None, None, None, None);
        scanner.object(|scanner, name| match name {
            "eventNumber" => once(&mut number, scanner.optional(Scanner::by_serde::<Number>)?),
            "timestamp" => once(&mut timestamp, scanner.optional(Scanner::string)?),
            "focus" => once(&mut focus, scanner.optional(reference::scan)?),
            "id" => once(&mut id, scanner.optional(Scanner::string)?),
            _ => scanner.ignore(),
        })?;
        Ok(Self {
            number: number.flatten().map(|Number(number)| number),
            timestamp: timestamp.flatten(),
            focus: focus.flatten().map_or(Focus::Absent, Focus::from),
            id: id.flatten(),
        })
    }
}

impl<'a> From<ReferenceElement<'a>> for Focus<'a> {
    fn from(ReferenceElement { reference, resource_type, identifier }: ReferenceElement<'a>) -> Self {
        match reference {
            Some(reference) => Self::Named(reference),
            None => {
                let resource_type = resource_type.map(|of| match of.strip_prefix(DEFINITIONS) {
                    Some(name) => Text(name.to_owned().into()),
                    None => of,
                });
                Self::Unnamed(Unnamed { resource_type, identifier: identifier.and_then(Identifier::token) })
            }
        }
    }
}
