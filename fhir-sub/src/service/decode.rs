//! From a request to the events that it notifies of. One dialect or concept a file.

#[cfg(any(test, fuzzing))]
mod by_serde;
mod criteria;
mod entry;
mod events;
mod index;
mod json;
mod outline;
mod parameters;
mod payload_search;
mod reference;
mod scanner;
mod status;
mod swar;
mod topic;
#[cfg(feature = "lambda")]
mod unescape;

use super::{Answer, Head, Header};
use crate::declaration::{Declaration, Trigger};
use crate::event::Event;
use crate::fhir::is_json;

#[cfg(fuzzing)]
pub(super) use by_serde::must_agree;
pub(super) use outline::Outline;
#[cfg(feature = "lambda")]
pub(crate) use scanner::{Mistake, Scanner, once};
#[cfg(feature = "lambda")]
pub(crate) use unescape::has_control_character;

/// What a request notifies of.
#[derive(Debug)]
pub(super) enum Decoded<'a> {
    /// A word of the server's own, for which no handler runs: a handshake, a heartbeat, the state of the subscription.
    Notice(&'static str, Counted),
    /// Events, in the server's order.
    Events(Vec<Happened<'a>>, Counted),
}

/// What a notification says of all the events of its Subscription.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// `Subscription/1`
    pub(super) subscription: Option<String>,
    /// How many there have been: `eventsSinceSubscriptionStart`.
    pub(super) events: Option<u64>,
    /// Whether the server begins with it.
    pub(super) is_handshake: bool,
}

/// An event, and the resource that came with it.
#[derive(Debug)]
pub(super) struct Happened<'a> {
    pub(super) event: Event,
    /// One object, its brackets balanced: whether it is JSON finds out who reads it.
    pub(super) resource: Option<&'a str>,
    /// Why it cannot be handled, where the others of its notification can; a caller may be told.
    pub(super) mistake: Option<&'static str>,
}

impl<'a> Happened<'a> {
    pub(super) fn new(event: Event, resource: Option<&'a str>) -> Self {
        Self { event, resource, mistake: None }
    }
}

/// Why a request is no notification.
#[derive(Debug)]
pub(super) struct Undecodable {
    pub(super) answer: Answer,
    /// What the log says of it.
    pub(super) outcome: &'static str,
}

impl Undecodable {
    fn malformed(text: &str) -> Self {
        Self { answer: Answer::malformed(text), outcome: "malformed" }
    }

    fn unprocessable(text: &str) -> Self {
        Self { answer: Answer::unprocessable(text), outcome: "unprocessable" }
    }
}

/// Reads the notification of `declaration`'s subscription, of at most `maximum` events.
///
/// `reference` is what the path names.
pub(super) fn decode<'a>(
    head: &Head<'_>,
    declaration: &Declaration,
    reference: Option<String>,
    body: &'a [u8],
    maximum: usize,
) -> Result<Decoded<'a>, Undecodable> {
    match declaration.trigger {
        Trigger::Criteria(_) => criteria::decode(head, declaration, reference, body, maximum),
        Trigger::Topic(_) if reference.is_some() => {
            Err(Undecodable { answer: Answer::method_not_allowed("POST"), outcome: "method not allowed" })
        }
        Trigger::Topic(_) => topic::decode(json_text(head, body)?, maximum),
    }
}

/// Reads what a server answers to `$events`: the events that it lists, and none where it is anything else.
pub(super) fn decode_queried(body: &str) -> Vec<Happened<'_>> {
    match topic::decode(body, usize::MAX) {
        Ok(Decoded::Events(events, _)) => events,
        Ok(Decoded::Notice(..)) | Err(_) => Vec::new(),
    }
}

/// The body as text, where the request says that it is JSON.
fn json_text<'a>(head: &Head<'_>, body: &'a [u8]) -> Result<&'a str, Undecodable> {
    match head.headers.get("content-type") {
        Header::Absent => {}
        header if header.text().is_some_and(is_json) => {}
        _ => return Err(Undecodable { answer: Answer::not_json(), outcome: "not JSON" }),
    }
    std::str::from_utf8(body).map_err(|_| Undecodable::malformed("the body is not UTF-8"))
}

/// A notification of more events than `maximum`: whoever wants them all raises the setting.
fn too_many(maximum: usize) -> Undecodable {
    let text = format!("the notification has more than {maximum} events");
    Undecodable { answer: Answer::unprocessable(&text), outcome: "too many events" }
}

#[cfg(test)]
mod tests;
