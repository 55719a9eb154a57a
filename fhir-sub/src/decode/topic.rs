//! The notification of a topic subscription: a Bundle that says what it is in a status entry.
//!
//! | version | Bundle | status |
//! |---|---|---|
//! | R4, by the Backport IG | `history` | Parameters |
//! | R4B | `history` | SubscriptionStatus |
//! | R5 | `subscription-notification` | SubscriptionStatus |

use super::entry::{Bundle, Entry};
use super::events::Events;
use super::index::Index;
use super::status::{Kind, Status};
use super::{Counted, Decoded, Undecodable, reference};

/// What the caller is told of anything else.
const NO_NOTIFICATION: &str = "the body is not the notification of a topic subscription";

/// Reads a notification of at most `maximum` events.
pub(super) fn decode(body: &str, maximum: usize) -> Result<Decoded<'_>, Undecodable> {
    let Bundle { bundle_type, mut entries } = Bundle::read(body, NO_NOTIFICATION)?;
    let by_parameters = match bundle_type.as_deref() {
        // HAPI 6.6 writes `transaction`.
        Some("history" | "transaction") => true,
        Some("subscription-notification") => false,
        _ => return Err(Undecodable::unprocessable(NO_NOTIFICATION)),
    };
    let status = take_status(body, &mut entries, by_parameters)?;
    let counted = Counted {
        subscription: status.subscription.as_deref().and_then(reference::subscription),
        events: status.events_since_start,
        is_handshake: status.kind == Some(Kind::Handshake),
    };
    let notice = match status.kind {
        None => return Err(Undecodable::unprocessable("the notification does not say of which type it is")),
        Some(Kind::Handshake) => "handshake",
        Some(Kind::Heartbeat) => "heartbeat",
        Some(Kind::QueryStatus) => "query-status",
        Some(Kind::QueryEvent) if status.events.count == 0 => "query-event",
        Some(Kind::EventNotification | Kind::QueryEvent) if status.events.count > maximum => {
            return Err(Undecodable::TooManyEvents { maximum });
        }
        Some(Kind::EventNotification | Kind::QueryEvent) => {
            let events = Events::new(&status, counted.subscription.clone());
            let events = if status.events.count == 0 {
                events.of_entries(&entries)
            } else {
                events.collect(&status, &mut Index::new(&entries))
            };
            if events.len() > maximum {
                return Err(Undecodable::TooManyEvents { maximum });
            }
            return Ok(Decoded::Events(events, counted));
        }
    };
    Ok(Decoded::Notice(notice, counted))
}

/// The status, wherever among the entries it stands; it is no event's.
fn take_status<'a>(
    body: &str,
    entries: &mut Vec<Entry<'a>>,
    by_parameters: bool,
) -> Result<Status<'a>, Undecodable> {
    let is_status = |entry: &Entry<'_>| {
        entry.is_resource("SubscriptionStatus") || (by_parameters && entry.is_resource("Parameters"))
    };
    let mut places = (0..entries.len()).filter(|place| is_status(&entries[*place]));
    // Of two, neither is more the notification's own than the other.
    let (Some(place), None) = (places.next(), places.next()) else {
        return Err(Undecodable::unprocessable(NO_NOTIFICATION));
    };
    let entry = entries.remove(place);
    let json = entry.resource.as_ref().map_or("", |resource| resource.json);
    let status = if entry.is_resource("Parameters") {
        Status::from_parameters(json)
    } else {
        Status::from_subscription_status(json)
    };
    status.map_err(|mistake| {
        Undecodable::of(mistake, body, "the status of the notification is not as FHIR has it")
    })
}
