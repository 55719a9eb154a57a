//! From a request to the events that it notifies of. One dialect or concept a file.

#[cfg(any(test, fuzzing))]
mod by_serde;
mod criteria;
mod entry;
mod events;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod index;
mod own;
mod parameters;
mod payload_search;
mod reference;
mod status;
mod topic;
mod unnamed;

use std::borrow::Cow;

use serde::de::IgnoredAny;

use crate::app::App;
use crate::declaration::{Declaration, Trigger, Trust};
use crate::event::Event;
use crate::fhir::is_json;
use crate::included::Included;
use crate::incoming::Way;
use crate::json::Mistake;
use crate::rejection::not_well_formed;
use crate::request::{Head, Header};

/// What a request notifies of.
#[derive(Debug)]
pub(crate) enum Decoded<'a> {
    /// A word of the server's own, for which no handler runs: a handshake, a heartbeat, the state of the subscription.
    Notice(&'static str, Counted),
    /// HAPI has searched for a payload, and found none.
    NothingFound,
    /// Events, in the server's order.
    Events(Vec<Happened<'a>>, Counted),
}

/// The notice that the server has ended the Subscription.
pub(crate) const DEACTIVATED: &str = "deactivated";

/// What a notification says of all the events of its Subscription.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    /// `Subscription/1`
    pub(crate) subscription: Option<String>,
    /// How many there have been: `eventsSinceSubscriptionStart`.
    pub(crate) events: Option<u64>,
    /// Whether the server begins with it.
    pub(crate) is_handshake: bool,
}

/// An event, and the resource that came with it.
#[derive(Debug)]
pub(crate) struct Happened<'a> {
    /// Boxed, since it is large and is handed on through all of the delivery.
    pub(crate) event: Box<Event>,
    /// One object, its brackets balanced: whether it is JSON finds out who reads it.
    pub(crate) resource: Option<&'a str>,
    /// Why it cannot be handled, where the others of its notification can; a caller may be told.
    pub(crate) mistake: Option<&'static str>,
    /// What else came along, for a handler that looks at it.
    pub(crate) included: Included,
    /// The way by which it came in, if a request told of it.
    pub(crate) way: Way<'a>,
}

impl<'a> Happened<'a> {
    pub(crate) fn new(event: impl Into<Box<Event>>, resource: Option<&'a str>) -> Self {
        Self {
            event: event.into(),
            resource,
            mistake: None,
            included: Included::default(),
            way: Way::default(),
        }
    }

    fn mistaken(event: Event, mistake: &'static str) -> Self {
        Self { mistake: Some(mistake), ..Self::new(event, None) }
    }
}

/// Why a request is no notification. A caller may be told the texts.
#[derive(Debug)]
pub(crate) enum Undecodable {
    /// It says that it is no JSON.
    NotJson,
    /// Its path names a resource, as no notification of its kind does.
    NamesResource,
    /// Its body is not well-formed.
    Malformed(Cow<'static, str>),
    /// Its body is JSON, and no notification.
    Unprocessable(Cow<'static, str>),
    /// It has more events than this: whoever wants them all raises the setting.
    TooManyEvents { maximum: usize },
}

impl Undecodable {
    /// What is wrong with `body`; `text` where it is JSON, but not what it should be.
    fn of(mistake: Mistake, body: &str, text: &'static str) -> Self {
        match mistake {
            // serde says where; what is JSON as far as it was looked at need not be further on.
            Mistake::NotJson | Mistake::OtherShape => match serde_json::from_str::<IgnoredAny>(body) {
                Err(error) => Self::Malformed(not_well_formed("body", &error).into()),
                Ok(_) => Self::unprocessable(text),
            },
            Mistake::NoResource => Self::unprocessable("an entry of the notification has no FHIR resource"),
            Mistake::TooMany => Self::unprocessable("the notification has too many entries"),
        }
    }

    fn malformed(text: &'static str) -> Self {
        Self::Malformed(text.into())
    }

    fn unprocessable(text: &'static str) -> Self {
        Self::Unprocessable(text.into())
    }
}

/// What is known of a notification before it is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'e> {
    /// Whose it is.
    pub(crate) declaration: &'e Declaration,
    /// `FHIR_BASE_URL`, without a slash at its end.
    pub(crate) base: &'e str,
    /// The most events that it may have.
    pub(crate) maximum: usize,
}

impl<'e> Expected<'e> {
    /// What is known of a notification that is sent to `app`.
    pub(crate) fn of(app: &'e App, declaration: &'e Declaration) -> Self {
        let settings = app.settings();
        Self { declaration, base: settings.fhir_base_url.as_str(), maximum: settings.events_maximum }
    }

    /// Whether the handler looks at what came along, and may believe it.
    fn includes(&self) -> bool {
        self.declaration.uses.included && self.declaration.trust == Trust::Notification
    }
}

/// Reads a notification; `reference` is what the path names.
pub(crate) fn decode<'a>(
    head: &Head<'_>,
    expected: &Expected<'_>,
    reference: Option<String>,
    body: &'a [u8],
) -> Result<Decoded<'a>, Undecodable> {
    match expected.declaration.trigger {
        Trigger::Criteria(_) => criteria::decode(head, expected, reference, body),
        Trigger::Topic(_) if reference.is_some() => Err(Undecodable::NamesResource),
        Trigger::Topic(_) => topic::decode(json_text(head, body)?, expected),
    }
}

/// The topic that a notification names, by its canonical URL.
#[cfg(feature = "events")]
pub(crate) fn named_topic(body: &str) -> Option<String> {
    topic::named(body)
}

/// Reads what a server answers to `$events`: the events that it lists, and none where it is anything else.
pub(crate) fn decode_queried<'a>(expected: &Expected<'_>, body: &'a str) -> Vec<Happened<'a>> {
    match topic::decode(body, &Expected { maximum: usize::MAX, ..*expected }) {
        Ok(Decoded::Events(events, _)) => events,
        Ok(Decoded::Notice(..) | Decoded::NothingFound) | Err(_) => Vec::new(),
    }
}

/// The body as text, where the request says that it is JSON.
fn json_text<'a>(head: &Head<'_>, body: &'a [u8]) -> Result<&'a str, Undecodable> {
    match head.headers.get("content-type") {
        Header::Absent => {}
        header if header.text().is_some_and(is_json) => {}
        _ => return Err(Undecodable::NotJson),
    }
    std::str::from_utf8(body).map_err(|_| Undecodable::malformed("the body is not UTF-8"))
}

#[cfg(test)]
mod tests;
