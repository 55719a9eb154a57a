//! The notification of a topic: a Bundle with a status entry that describes it.
//!
//! | version | Bundle | status |
//! |---|---|---|
//! | R4, by the Backport IG | `history` | Parameters |
//! | R4B | `history` | SubscriptionStatus |
//! | R5 | `subscription-notification` | SubscriptionStatus |

use std::sync::Arc;

use super::entry::{Bundle, Entry};
use super::events::{Events, Reported};
use super::own::{Own, base_of};
use super::status::{Kind, Status};
use super::{Counted, DEACTIVATED, Decoded, Expected, Happened, Undecodable, reference};
use crate::event::Event;
use crate::included::Included;
use crate::json::Text;

/// The answer to anything else.
const NO_NOTIFICATION: &str = "the body is not the notification of a topic subscription";

/// Decodes a notification.
pub(super) fn decode<'a>(body: &'a str, expected: &Expected<'_>) -> Result<Decoded<'a>, Undecodable> {
    let Bundle { id, bundle_type, mut entries } = Bundle::read(body, NO_NOTIFICATION)?;
    let by_parameters = match bundle_type.as_deref() {
        // HAPI 6.6 writes `transaction`.
        Some("history" | "transaction") => true,
        Some("subscription-notification") => false,
        _ => return Err(Undecodable::unprocessable(NO_NOTIFICATION)),
    };
    let (status, url) = take_status(body, &mut entries, by_parameters)?;
    let url = url.as_deref().and_then(|url| url.split("/$").next());
    let named = status.subscription.as_deref();
    let absolute = named.filter(|named| base_of(named).is_some()).or(url);
    let own = Own::new(expected.base, absolute, expected.provided);
    let subscription = named.and_then(reference::subscription);
    let counted = Counted {
        // The own server cannot be asked for another server's Subscription, and may have one with the same id.
        subscription: match own.foreign_base() {
            Some(base) => {
                subscription.map(|own| format!("{base}/{own}")).or_else(|| absolute.map(str::to_owned))
            }
            None => subscription,
        },
        events: status.events_since_start,
        is_handshake: status.kind == Some(Kind::Handshake),
    };
    let count = status.events.count;
    let notice = match status.kind {
        None => {
            return Err(Undecodable::unprocessable(
                "the notification has no type: handshake, heartbeat or event-notification",
            ));
        }
        Some(Kind::Handshake) => "handshake",
        Some(Kind::Heartbeat) => "heartbeat",
        Some(Kind::QueryStatus) => "query-status",
        Some(Kind::QueryEvent) if count == 0 => "query-event",
        // IHE's DSUBm announces the end of a Subscription like this.
        Some(Kind::EventNotification) if count == 0 && entries.is_empty() && status.is_off => DEACTIVATED,
        Some(Kind::EventNotification | Kind::QueryEvent) if count > expected.maximum => {
            return Err(Undecodable::TooManyEvents { maximum: expected.maximum });
        }
        Some(Kind::EventNotification | Kind::QueryEvent) => {
            let events = Events {
                subscription: counted.subscription.clone(),
                topic: status.topic.as_deref().map(Arc::from),
                own: &own,
                types: &|| expected.declaration.types(),
            };
            let mut told = events.collect(&status, &entries);
            if let ([only], Some(id)) = (&mut *told, id)
                && status.kind == Some(Kind::EventNotification)
                && status.topic.is_none()
                && status.events_since_start.is_none()
                // A greater number is a real one: it shows gaps.
                && only.happened.event.number.is_none_or(|number| number <= 1)
            {
                number_by_bundle(&mut only.happened.event, &id);
            }
            if told.len() > expected.maximum {
                return Err(Undecodable::TooManyEvents { maximum: expected.maximum });
            }
            return Ok(Decoded::Events(with_included(told, &entries, expected), counted));
        }
    };
    Ok(Decoded::Notice(notice, counted))
}

/// If a notification has one event, no topic and no count, the id of the Bundle identifies the event. The NHS
/// numbers each event 1, and repeats an event in a Bundle with the same id.
///
/// If the notification has a count, the number identifies the event, and the id of the Bundle does not: Inferno's
/// handshake and event have the same id, and other servers repeat an event in a Bundle with another id.
fn number_by_bundle(event: &mut Event, id: &str) {
    event.number = None;
    event.id.get_or_insert_with(|| id.to_owned());
}

/// The topic in a notification; `None` if the body names no topic, or is not a notification.
#[cfg(feature = "events")]
pub(super) fn named(body: &str) -> Option<String> {
    let Bundle { mut entries, .. } = Bundle::read(body, NO_NOTIFICATION).ok()?;
    let (status, _) = take_status(body, &mut entries, true).ok()?;
    status.topic.map(|topic| topic.to_string())
}

/// The events, each with all other entries, if the handler asks for them.
pub(super) fn with_included<'a>(
    told: Vec<Reported<'a>>,
    entries: &[Entry<'a>],
    expected: &Expected<'_>,
) -> Vec<Happened<'a>> {
    let mut happened = told.into_iter();
    if !expected.includes() {
        return happened.map(|told| told.happened).collect();
    }
    let included =
        Included::new(entries.iter().enumerate().filter_map(|(place, entry)| entry.carried(place)));
    let base = |place: Option<usize>| entries[place?].base();
    let with = |Reported { happened, place }: Reported<'a>| {
        let base = base(place).or(happened.event.elsewhere_base());
        Happened { included: included.without(place, base), ..happened }
    };
    happened.by_ref().map(with).collect()
}

/// Removes and returns the status, wherever it stands among the entries. It belongs to no event.
fn take_status<'a>(
    body: &str,
    entries: &mut Vec<Entry<'a>>,
    by_parameters: bool,
) -> Result<(Status<'a>, Option<Text<'a>>), Undecodable> {
    let kinds =
        entries.iter().map(|entry| entry.resource.as_ref().map_or("", |it| &it.outline.resource_type));
    let place =
        place_of_status(kinds, by_parameters).ok_or_else(|| Undecodable::unprocessable(NO_NOTIFICATION))?;
    let entry = entries.remove(place);
    let json = entry.resource.as_ref().map_or("", |resource| resource.json);
    let status = if entry.is_resource("Parameters") {
        Status::from_parameters(json)
    } else {
        Status::from_subscription_status(json)
    };
    let status = status.map_err(|mistake| {
        Undecodable::of(
            mistake,
            body,
            "the status in the notification (SubscriptionStatus, or Parameters in R4) has an element twice or of a wrong type",
        )
    })?;
    Ok((status, entry.request.url))
}

/// Aidbox's topic destinations send this instead of a SubscriptionStatus.
const AIDBOXS_STATUS: &str = "AidboxSubscriptionStatus";

/// The place of the status, by the types of all resources. `None` if nothing tells which entry describes the notification: R4's
/// status is a Parameters resource, and an event may be about one too. A SubscriptionStatus is always the status. Of several
/// Parameters, the first entry is, as the guide says.
pub(crate) fn place_of_status<'k>(
    kinds: impl Iterator<Item = &'k str> + Clone,
    by_parameters: bool,
) -> Option<usize> {
    let places = |is_meant: fn(&str) -> bool| {
        kinds.clone().enumerate().filter(move |(_, kind)| is_meant(kind)).map(|(place, _)| place)
    };
    let mut native = places(|kind| kind == "SubscriptionStatus" || kind == AIDBOXS_STATUS);
    match (native.next(), native.next()) {
        (Some(place), None) => return Some(place),
        (Some(_), Some(_)) => return None,
        (None, _) => {}
    }
    let mut parameters = places(|kind| kind == "Parameters").filter(|_| by_parameters);
    match (parameters.next(), parameters.next()) {
        (Some(place), None) => Some(place),
        (Some(0), Some(_)) => Some(0),
        _ => None,
    }
}
