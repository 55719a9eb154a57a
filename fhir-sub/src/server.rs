//! [`Room`]: the facts about one FHIR server product. Each product has a file in `server/`.
//!
//! All differences between servers are decided here, and nowhere else. A room has no defaults: a new question
//! does not compile until each server answers it, and a new server does not compile until it answers each
//! question. `FHIR_SERVER` names a room. With `FHIR_SERVER=auto`, the server's CapabilityStatement
//! [names](Room::recognised) it.

mod aidbox;
mod athenahealth;
mod fhir_works;
mod filter;
mod firely;
mod generic;
mod hapi;
mod healthlake;
mod helios;
mod medplum;
mod oystehr;

use std::fmt;
use std::time::Duration;

pub(crate) use filter::{Filter, FilterText, filters};
pub(crate) use generic::ROOM as GENERIC;

use crate::content::Content;
use crate::fhir::{FhirVersion, Subscription};
use crate::interaction::Interactions;
use crate::signature::SIGNATURE;

/// All rooms, in the order in which `FHIR_SERVER` lists them.
static ROOMS: [&Room; 10] = [
    &generic::ROOM,
    &hapi::ROOM,
    &medplum::ROOM,
    &helios::ROOM,
    &aidbox::ROOM,
    &firely::ROOM,
    &healthlake::ROOM,
    &oystehr::ROOM,
    &athenahealth::ROOM,
    &fhir_works::ROOM,
];

/// The facts about one FHIR server product.
pub(crate) struct Room {
    /// Its name in `FHIR_SERVER`.
    pub(crate) name: &'static str,
    /// Its product name, for messages.
    pub(crate) title: &'static str,
    /// The beginnings of its names in its CapabilityStatement, in lower case; empty if they are unknown.
    pub(crate) called: &'static [&'static str],
    /// Whether it holds resources of several FHIR versions under one base URL, so that each request must say
    /// the version (<https://hl7.org/fhir/R5/http.html#version-parameter>). Other servers may refuse a media
    /// type with a version.
    pub(crate) holds_several_versions: bool,
    /// How a Subscription is written.
    pub(crate) registering: Registering,
    /// The criteria that it evaluates; or why it evaluates none, as the end of "which …".
    pub(crate) criteria: Result<Criteria, &'static str>,
    /// Its support of topics; or why it has none, as the end of "which …".
    pub(crate) topics: Result<Topics, &'static str>,
    /// How it is asked for events that no notification reported.
    pub(crate) events: Events,
    /// Whether a search with `_deleted=true` lists deleted resources. If that is unknown, the program asks
    /// only for a history of the type. If the server has no such history, the program uses this search, and
    /// trusts its results.
    pub(crate) lists_deleted: bool,
    /// The parts of a notification that it signs.
    pub(crate) signature: Signature,
    /// How the server retries a notification that was not answered 2xx.
    pub(crate) resends: Resends,
    /// Reports everything that the server cannot do or would silently ignore, and the cure.
    pub(crate) refuse: fn(&Ask<'_>, &mut Cannot<'_>),
    /// Notes the differences between the request and the server's behaviour, for the person who registers.
    pub(crate) note: fn(&Ask<'_>, &mut Cannot<'_>),
}

/// Called for each thing that a server cannot do, or does differently.
pub(crate) type Cannot<'c> = dyn FnMut(&str) + 'c;

/// How a Subscription is written.
pub(crate) struct Registering {
    /// The path of Subscriptions below the base URL, if the server keeps them apart.
    pub(crate) path: Option<&'static str>,
    /// The `Subscription.status` to post: the server activates it, or evaluates it at once.
    pub(crate) status: &'static str,
    /// Writes what the server requires in addition to the specification, for instance the interactions.
    pub(crate) complete: fn(&mut Subscription, &Ask<'_>),
    /// The extensions that `complete` writes: they are removed when they are no longer wanted.
    pub(crate) extensions: &'static [&'static str],
    /// Whether `Subscription?url=…` finds the Subscriptions of an endpoint. Otherwise all are read.
    pub(crate) is_searched_by_url: bool,
    /// Whether a Subscription can be changed. Otherwise it must be deleted and created again.
    pub(crate) is_changeable: bool,
    /// Whether it accepts two Subscriptions of one endpoint, so that the new one can exist before the old one
    /// is deleted.
    pub(crate) keeps_two: bool,
    /// The media type of a Subscription.
    pub(crate) media_type: &'static str,
    /// How the server proves its identity with each notification.
    pub(crate) shows: Shows,
    /// The limit of requests per minute, if it has one.
    pub(crate) pace: Option<Pace>,
    /// How `Subscription.error` begins if the server itself turned a Subscription `off`. `None` if the server
    /// does not say who did.
    pub(crate) turns_off: Option<&'static str>,
    /// Whether it keeps an AuditEvent of each delivery, with the name of the Subscription.
    pub(crate) audits: bool,
}

/// How the server proves its identity with each notification.
pub(crate) enum Shows {
    /// With the header in the Subscription.
    Header,
    /// With a signature of the body. It sends no header of the Subscription.
    Signature,
    /// With an OAuth token, which it fetches as these extensions of `channel.type` say. It sends no header of
    /// the Subscription.
    Token(TokenExtensions),
}

/// The extensions of `channel.type` that say where and how the server fetches its token.
pub(crate) struct TokenExtensions {
    pub(crate) client_id: &'static str,
    pub(crate) client_secret: &'static str,
    pub(crate) url: &'static str,
}

/// How a server retries a notification that was not answered 2xx. The function returns the pause after an attempt,
/// which is counted from 1; `None` after the last attempt.
pub(crate) enum Resends {
    After(fn(u16) -> Option<Duration>),
    /// The same, but a 4xx is final.
    UnlessRefused(fn(u16) -> Option<Duration>),
    /// The pauses are unknown. The text has the known facts.
    Somehow(&'static str),
}

/// The server's limit of requests per minute. Each request costs points.
pub(crate) struct Pace {
    /// The points that a registration may spend in a minute.
    pub(crate) points: u32,
    pub(crate) search: u32,
    pub(crate) write: u32,
    pub(crate) history: u32,
}

/// The criteria that the server evaluates.
pub(crate) struct Criteria {
    /// Whether it supports deletions.
    pub(crate) has_deletions: bool,
    /// How to get creates without updates.
    pub(crate) tells_apart: TellsApart,
    /// Whether a criteria may have several types, `[*]` or `[Patient,Observation]`.
    pub(crate) has_several_types: bool,
    /// Its own parameters in addition to FHIR's, such as `Task.due-date`, if it matches no others. `None` if
    /// it may have any.
    pub(crate) own_parameters: Option<&'static [&'static str]>,
    /// Why the server would store a criteria with this parameter and never fire for it, and the cure.
    pub(crate) never_fires: fn(&Filter<'_>) -> Option<String>,
    /// Why the server may not fire for this parameter, depending on its settings or data, and the cure.
    pub(crate) may_not_fire: fn(&Filter<'_>) -> Option<String>,
}

/// How to get creates without updates, or updates without creates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TellsApart {
    /// The server can be asked for either, or each notification says the interaction.
    Itself,
    /// The server reports both alike, but its history of a resource says the interaction: the program asks
    /// for it.
    ByHistory,
    /// No known way.
    No,
}

/// The server's support of topics.
pub(crate) struct Topics {
    /// The FHIR versions with Subscription elements for topics; in other versions, extensions replace them.
    pub(crate) native_in: &'static [FhirVersion],
    /// Whether it compares the topic's URL with the Subscription's text, so that the text must have no
    /// `|version`.
    pub(crate) compares_urls: bool,
    /// The form of a filter in the extension that replaces `filterBy`.
    pub(crate) filter: FilterText,
    /// Where it keeps the topics of a version; `None` if that is unknown.
    pub(crate) kept: fn(FhirVersion) -> Option<Kept>,
    /// Whether a topic without `canFilterBy` accepts any filter, as in the specification, or none.
    pub(crate) filters_freely: bool,
    /// Whether it sends a handshake before it makes a Subscription `active`.
    pub(crate) shakes_hands: bool,
    /// Whether it sends heartbeats.
    pub(crate) sends_heartbeats: bool,
    /// Whether the numbers of events continue from one notification to the next, so that a missing number
    /// shows a gap.
    pub(crate) numbers_go_on: bool,
}

/// The type of resource that represents a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// A SubscriptionTopic.
    Topic,
    /// A Basic that represents a SubscriptionTopic, which R4 does not have.
    Basic,
}

/// How to ask the server for `$events`.
pub(crate) struct Events {
    /// Whether `GET` works, as in the specification. Otherwise only `POST` does.
    pub(crate) by_get: bool,
    /// The element of Parameters with an event's number in R5. In R4 and R4B it is `valueString`.
    pub(crate) number_in_r5: &'static str,
}

/// The parts of a notification that the server signs.
pub(crate) enum Signature {
    /// Nothing.
    Nothing,
    /// The body, but no header and not the path.
    Body(Signed),
    /// The server cannot be told to sign; a gateway before it may sign the body.
    ByGateway,
}

/// How the server signs a body, and how it gets the key.
pub(crate) struct Signed {
    pub(crate) told_by: ToldBy,
    /// The header that carries the signature, in lower case.
    pub(crate) header: &'static str,
    /// The text before the hexadecimal digits.
    pub(crate) prefix: &'static str,
}

/// How the server gets the key for signing.
pub(crate) enum ToldBy {
    /// In an extension of the Subscription.
    Extension(&'static str),
    /// In a header of the request that creates the Subscription. Nobody can read it later.
    RequestHeader(&'static str),
}

/// The demands of a program on its server for one subscription.
pub(crate) struct Ask<'a> {
    pub(crate) version: FhirVersion,
    pub(crate) interactions: Interactions,
    pub(crate) content: Content,
    /// The URL above the endpoint.
    pub(crate) base_url: &'a url::Url,
    /// Whether the subscription has an end.
    pub(crate) has_end: bool,
    /// The topic; `None` for a criteria.
    pub(crate) topic: Option<&'a str>,
    /// Whether there is a key for signatures.
    pub(crate) has_signing_secret: bool,
    /// The parameters of a topic's filters; `None` for a criteria.
    pub(crate) filters: Option<Vec<Filter<'a>>>,
}

impl<'a> Ask<'a> {
    /// The parameters of the filters; empty for a criteria.
    pub(crate) fn filters(&self) -> &[Filter<'a>] {
        self.filters.as_deref().unwrap_or_default()
    }

    pub(crate) fn is_criteria(&self) -> bool {
        self.filters.is_none()
    }

    pub(crate) fn is_https(&self) -> bool {
        self.base_url.scheme() == "https"
    }
}

impl Room {
    /// The room with this name in `FHIR_SERVER`.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        ROOMS.into_iter().find(|room| room.name == name)
    }

    /// The room of a server that gives itself this name. An operator may add to the name.
    pub(crate) fn recognised(said: &str) -> Option<&'static Self> {
        let said = said.to_lowercase();
        ROOMS.into_iter().find(|room| room.called.iter().any(|name| said.starts_with(name)))
    }

    /// The names of all rooms.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        ROOMS.into_iter().map(|room| room.name)
    }

    /// Whether the server's product is known.
    pub(crate) fn is_known(&self) -> bool {
        !std::ptr::eq(self, &GENERIC)
    }

    /// The header for the signature of a body, and the text before its digits. A gateway signs like Medplum.
    pub(crate) const fn signature_header(&self) -> (&'static str, &'static str) {
        match &self.signature {
            Signature::Body(signed) => (signed.header, signed.prefix),
            Signature::Nothing | Signature::ByGateway => (SIGNATURE, ""),
        }
    }
}

/// Whether the extension belongs to any server: a Subscription may have been written for another server
/// before.
pub(crate) fn is_extension(url: &str) -> bool {
    is_secret(url) || ROOMS.into_iter().any(|room| room.registering.extensions.contains(&url))
}

/// Whether the extension carries a secret of any server. A server may hide such an extension when it shows a
/// Subscription.
pub(crate) fn is_secret(url: &str) -> bool {
    ROOMS.into_iter().any(|room| match &room.signature {
        Signature::Body(Signed { told_by: ToldBy::Extension(extension), .. }) => *extension == url,
        _ => false,
    })
}

/// Whether the extension of `channel.type` carries the secret by which a server fetches its token.
pub(crate) fn is_token_secret(url: &str) -> bool {
    ROOMS.into_iter().any(
        |room| matches!(&room.registering.shows, Shows::Token(extensions) if extensions.client_secret == url),
    )
}

impl fmt::Debug for Room {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Room").field(&self.name).finish()
    }
}

/// Refuses each filter that asks for more than one value of a parameter. The server compares texts: it would
/// take anything else for a part of the value, and never fire.
fn filters_are_equal(server: &str, ask: &Ask<'_>, cannot: &mut Cannot<'_>) {
    for filter in ask.filters().iter().filter(|filter| filter.is_chained() || filter.is_more_than_equal()) {
        cannot(&format!(
            "its filter `{filter}` asks for more than equality, and {server} compares for equality only: write \
             `Type?parameter=value`, and check the rest in the handler"
        ));
    }
}

/// Refuses each filter with an unknown type, because the server reads filters only with a type.
fn filters_have_types(server: &str, ask: &Ask<'_>, cannot: &mut Cannot<'_>) {
    for filter in ask.filters().iter().filter(|filter| filter.resource_type().is_none()) {
        cannot(&format!(
            "its filter `{filter}` names no type, and neither do the handler or the other filters name \
             exactly one; {server} reads no filter without a type: write `Type?{filter}`"
        ));
    }
}

/// Why a server never fires for a parameter that it does not know, and that asks for more than a value of an
/// element.
fn by_other_means(server: &str, filter: &Filter<'_>) -> Option<String> {
    let code = filter.parameter();
    ["_filter", "_text", "_content", "_list", "_query"].contains(&code.as_str()).then(|| {
        format!(
            "{server} evaluates no `{code}` of a changed resource: write other parameters, or look in the handler"
        )
    })
}

#[cfg(test)]
mod tests;
