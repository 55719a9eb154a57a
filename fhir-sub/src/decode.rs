//! Decodes a request into its events. Each file has one dialect or concept.

#[cfg(any(test, fuzzing))]
#[path = "decode/tests/by_serde.rs"]
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
use crate::provided::Provided;
use crate::rejection::not_well_formed;
use crate::request::{Head, Header};

pub(crate) use self::criteria::says_nothing;
#[cfg(feature = "queue")]
pub(crate) use self::topic::place_of_status;

/// The content of a request.
#[derive(Debug)]
pub(crate) enum Decoded<'a> {
    /// A message of the server's own, for which no handler runs: a handshake, a heartbeat, or the state of
    /// the subscription.
    Notice(&'static str, Counted),
    /// HAPI searched for a payload, and found none.
    NothingFound,
    /// Events, in the server's order.
    Events(Vec<Happened<'a>>, Counted),
}

/// The notice that the server has ended the Subscription.
pub(crate) const DEACTIVATED: &str = "deactivated";

/// The counter of a notification, which covers all events of its Subscription.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    /// `Subscription/1`; with its base URL if `setup` names that server as a source.
    pub(crate) subscription: Option<String>,
    /// The number of events so far: `eventsSinceSubscriptionStart`.
    pub(crate) events: Option<u64>,
    /// Whether it is a handshake, with which a server begins.
    pub(crate) is_handshake: bool,
}

/// An event, and the resource that came with it.
#[derive(Debug)]
pub(crate) struct Happened<'a> {
    /// Boxed, because it is large and passes through the whole delivery.
    pub(crate) event: Box<Event>,
    /// One object with balanced brackets. Its reader finds out whether it is JSON.
    pub(crate) resource: Option<&'a str>,
    /// Why this event cannot be handled, although the others can. The answer may contain the text.
    pub(crate) mistake: Option<&'static str>,
    /// The other entries, for a handler that reads them.
    pub(crate) included: Included,
    /// The path and headers of the request.
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

/// Why a request is not a notification. The answer may contain the texts.
#[derive(Debug)]
pub(crate) enum Undecodable {
    /// Its content type is not JSON.
    NotJson,
    /// Its body is compressed.
    Compressed,
    /// Its path names a resource, which no notification of its kind does.
    NamesResource,
    /// Its body is not well-formed.
    Malformed(Cow<'static, str>),
    /// Its body is JSON, but not a notification.
    Unprocessable(Cow<'static, str>),
    /// It has more events than this. The setting can be raised.
    TooManyEvents { maximum: usize },
}

impl Undecodable {
    /// The mistake in `body`; `text` is used if the body is JSON of another shape.
    fn of(mistake: Mistake, body: &str, text: &'static str) -> Self {
        match mistake {
            // serde finds the place. Our scan stops early, so the rest need not be JSON.
            Mistake::NotJson | Mistake::OtherShape => match serde_json::from_str::<IgnoredAny>(body) {
                Err(error) => Self::Malformed(not_well_formed("body", &error).into()),
                Ok(_) => Self::unprocessable(text),
            },
            Mistake::NoResource => Self::unprocessable("an entry of the notification has no FHIR resource"),
            Mistake::TooMany => Self::Unprocessable(
                format!(
                    "the notification has more than {} entries: let the server send fewer events at once",
                    entry::Entry::MAXIMUM
                )
                .into(),
            ),
        }
    }

    fn malformed(text: &'static str) -> Self {
        Self::Malformed(text.into())
    }

    fn unprocessable(text: &'static str) -> Self {
        Self::Unprocessable(text.into())
    }
}

/// The facts about a notification that are known before it is decoded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'e> {
    /// Its subscription.
    pub(crate) declaration: &'e Declaration,
    /// `FHIR_BASE_URL`, without a slash at its end.
    pub(crate) base: &'e str,
    /// The most events that it may have.
    pub(crate) maximum: usize,
    /// The other servers that `setup` names.
    pub(crate) provided: Option<&'e Provided>,
}

impl<'e> Expected<'e> {
    /// The facts about a notification to `app`.
    pub(crate) fn of(app: &'e App, declaration: &'e Declaration) -> Self {
        let settings = app.settings();
        Self {
            declaration,
            base: settings.fhir_base_url.as_str(),
            maximum: settings.events_maximum,
            provided: Some(app.provided()),
        }
    }

    /// Whether the handler reads the other entries, and trusts them.
    fn includes(&self) -> bool {
        self.declaration.uses.included && self.declaration.trust == Trust::Notification
    }
}

/// Decodes a notification; `reference` is the resource in the path.
pub(crate) fn decode<'a>(
    head: &Head<'_>,
    expected: &Expected<'_>,
    reference: Option<String>,
    body: &'a [u8],
) -> Result<Decoded<'a>, Undecodable> {
    let decoded = match expected.declaration.trigger {
        Trigger::Criteria(_) => criteria::decode(head, expected, reference, body),
        Trigger::Topic(_) if reference.is_some() => Err(Undecodable::NamesResource),
        Trigger::Topic(_) => json_text(head, body).and_then(|body| topic::decode(body, expected)),
    };
    decoded.map_err(|undecodable| match undecodable {
        Undecodable::Malformed(_) if is_compressed(head) => Undecodable::Compressed,
        other => other,
    })
}

/// Whether the header `Content-Encoding` says that the body is compressed.
fn is_compressed(head: &Head<'_>) -> bool {
    match head.headers.get("content-encoding") {
        Header::Absent => false,
        header => !header.text().is_some_and(|coding| coding.trim().eq_ignore_ascii_case("identity")),
    }
}

/// The topic that a notification names, by its canonical URL.
#[cfg(feature = "events")]
pub(crate) fn named_topic(body: &str) -> Option<String> {
    topic::named(body)
}

/// Decodes the answer to `$events`: its events, or none if it is something else.
pub(crate) fn decode_queried<'a>(expected: &Expected<'_>, body: &'a str) -> Vec<Happened<'a>> {
    match topic::decode(body, &Expected { maximum: usize::MAX, ..*expected }) {
        Ok(Decoded::Events(events, _)) => events,
        Ok(Decoded::Notice(..) | Decoded::NothingFound) | Err(_) => Vec::new(),
    }
}

/// The body as text, if the content type is JSON.
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
