//! [`Room`]: all that is known of one make of FHIR server. One file a server, in `server/`.
//!
//! Whatever differs between servers is asked here, and nowhere else. A room has no defaults: a new question does not
//! compile until each server has an answer, and a new server not until it has answered each question.
//! `FHIR_SERVER` names a room; `FHIR_SERVER=auto` looks for the room that the server's CapabilityStatement
//! [names](Room::recognised).

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

pub(crate) use filter::{Filter, FilterText, filters};
pub(crate) use generic::ROOM as GENERIC;

use crate::content::Content;
use crate::fhir::{FhirVersion, Subscription};
use crate::interaction::Interactions;
use crate::signature::SIGNATURE;

/// Every room, in the order in which `FHIR_SERVER` lists them.
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

/// All that is known of one make of FHIR server.
pub(crate) struct Room {
    /// The name that `FHIR_SERVER` gives the server.
    pub(crate) name: &'static str,
    /// The name that its makers give it, for messages.
    pub(crate) title: &'static str,
    /// How the names begin by which its CapabilityStatement calls it, in lower case; none where that is not known.
    pub(crate) called: &'static [&'static str],
    /// Whether it holds resources of several versions of FHIR under one base URL, so that each request says which version
    /// it means (<https://hl7.org/fhir/R5/http.html#version-parameter>). Other servers may refuse a media type with a
    /// version.
    pub(crate) holds_several_versions: bool,
    /// How a Subscription is written.
    pub(crate) registering: Registering,
    /// Which criteria it evaluates; or why it evaluates none, as the end of "which …".
    pub(crate) criteria: Result<Criteria, &'static str>,
    /// What it knows of topics; or why it knows none, as the end of "which …".
    pub(crate) topics: Result<Topics, &'static str>,
    /// How it is asked for the events that no notification told of.
    pub(crate) events: Events,
    /// Whether a search with `_deleted=true` lists what was deleted. Where it is not known, the server is asked for a history
    /// of the type only, and its word for such a search taken where it has none.
    pub(crate) lists_deleted: bool,
    /// What it signs of a notification.
    pub(crate) signature: Signature,
    /// Tells of all that the server cannot do, or would leave undone without a word, and what to do instead.
    pub(crate) refuse: fn(&Ask<'_>, &mut Cannot<'_>),
    /// Tells of what the server does otherwise than is asked, so that whoever registers may know.
    pub(crate) note: fn(&Ask<'_>, &mut Cannot<'_>),
}

/// Is called with each thing that a server cannot do, or does otherwise.
pub(crate) type Cannot<'c> = dyn FnMut(&str) + 'c;

/// How a Subscription is written.
pub(crate) struct Registering {
    /// The path below the base URL under which the server keeps Subscriptions, where it keeps them apart.
    pub(crate) path: Option<&'static str>,
    /// `Subscription.status` as it is posted: what the server activates, or evaluates right away.
    pub(crate) status: &'static str,
    /// Writes what the server wants beyond what the specification has: the interactions, for one.
    pub(crate) complete: fn(&mut Subscription, &Ask<'_>),
    /// The extensions that `complete` writes: one that is there and no longer wanted is taken away.
    pub(crate) extensions: &'static [&'static str],
    /// Whether the Subscriptions of an endpoint are found by `Subscription?url=…`, and not only by reading all.
    pub(crate) is_searched_by_url: bool,
    /// Whether a Subscription can be changed, and need not be deleted and created again.
    pub(crate) is_changeable: bool,
    /// Whether it keeps two Subscriptions of one endpoint, so that a new one can be there before the old one is deleted.
    pub(crate) keeps_two: bool,
    /// The media type in which it is sent.
    pub(crate) media_type: &'static str,
    /// What the server shows with each notification, so that it is let in.
    pub(crate) shows: Shows,
    /// How many requests it takes a minute, if it says so.
    pub(crate) pace: Option<Pace>,
    /// How `Subscription.error` begins where the server itself turned a Subscription `off`; `None` where it does not say who
    /// did.
    pub(crate) turns_off: Option<&'static str>,
    /// Whether it keeps an AuditEvent of each delivery, which names the Subscription.
    pub(crate) audits: bool,
}

/// What the server shows with each notification.
pub(crate) enum Shows {
    /// The header that the Subscription names.
    Header,
    /// A signature of the body, and no header of the Subscription.
    Signature,
    /// An OAuth token that it fetches with what these extensions of `channel.type` say, and no header of the Subscription.
    Token(TokenExtensions),
}

/// The extensions of `channel.type` that say where and how the server fetches its token.
pub(crate) struct TokenExtensions {
    pub(crate) client_id: &'static str,
    pub(crate) client_secret: &'static str,
    pub(crate) url: &'static str,
}

/// How many requests the server takes a minute. Each costs points.
pub(crate) struct Pace {
    /// The points that a registration may spend a minute.
    pub(crate) points: u32,
    pub(crate) search: u32,
    pub(crate) write: u32,
    pub(crate) history: u32,
}

/// Which criteria the server evaluates.
pub(crate) struct Criteria {
    /// Whether it can be asked for deletions.
    pub(crate) has_deletions: bool,
    /// How creates can be had without updates.
    pub(crate) tells_apart: TellsApart,
    /// Whether a criteria can be of several types, `[*]` or `[Patient,Observation]`.
    pub(crate) has_several_types: bool,
    /// The parameters that it has beside FHIR's own, as `Task.due-date`, where it matches no others; `None` where it may
    /// have any.
    pub(crate) own_parameters: Option<&'static [&'static str]>,
    /// Why the server stores a criteria with this parameter and never fires for it, and what to do instead.
    pub(crate) never_fires: fn(&Filter<'_>) -> Option<String>,
    /// Why the server may not fire for this parameter, as its settings or the data are, and what to do instead.
    pub(crate) may_not_fire: fn(&Filter<'_>) -> Option<String>,
}

/// How creates can be had without updates, or updates without creates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TellsApart {
    /// The server can be asked for either, or says of each notification what has happened.
    Itself,
    /// The server tells of both alike, and its history of a resource says what has happened: the program asks for it.
    ByHistory,
    /// Nothing is known to tell.
    No,
}

/// What the server knows of topics.
pub(crate) struct Topics {
    /// The versions of FHIR whose Subscription has elements for topics; in others extensions stand for them.
    pub(crate) native_in: &'static [FhirVersion],
    /// Whether it compares a topic's URL with what the Subscription names as a text, to which no `|version` may belong.
    pub(crate) compares_urls: bool,
    /// The text of a filter, in the extension that stands for `filterBy`.
    pub(crate) filter: FilterText,
    /// Where it keeps the topics of a version; `None` where that is not known.
    pub(crate) kept: fn(FhirVersion) -> Option<Kept>,
    /// Whether a topic without `canFilterBy` takes any filter, as the specification has it, or none.
    pub(crate) filters_freely: bool,
    /// Whether it asks the endpoint for an answer before it makes a Subscription `active`.
    pub(crate) shakes_hands: bool,
    /// Whether it sends heartbeats.
    pub(crate) sends_heartbeats: bool,
    /// Whether the numbers of events go on from one notification to the next, so that a missing one shows a gap.
    pub(crate) numbers_go_on: bool,
}

/// What a topic is kept as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// A SubscriptionTopic.
    Topic,
    /// A Basic that stands for a SubscriptionTopic, which R4 does not have.
    Basic,
}

/// How the server is asked for `$events`.
pub(crate) struct Events {
    /// Whether it can be asked by `GET`, as the specification has it, or by `POST` only.
    pub(crate) by_get: bool,
    /// The element of Parameters that has an event's number in R5. In R4 and R4B it is `valueString`.
    pub(crate) number_in_r5: &'static str,
}

/// What the server signs of a notification.
pub(crate) enum Signature {
    /// Nothing.
    Nothing,
    /// The body, and no header and no path.
    Body(Signed),
    /// Nothing that it could be told of; a gateway before it may sign the body.
    ByGateway,
}

/// How the server signs a body, and knows with which secret.
pub(crate) struct Signed {
    pub(crate) told_by: ToldBy,
    /// The header that carries the signature, in lower case.
    pub(crate) header: &'static str,
    /// What stands before its hexadecimal digits.
    pub(crate) prefix: &'static str,
}

/// How the server is told with which secret to sign.
pub(crate) enum ToldBy {
    /// By an extension of the Subscription.
    Extension(&'static str),
    /// By a header of the request that creates the Subscription. Nobody can read it again.
    RequestHeader(&'static str),
}

/// What a program asks of its server with one subscription.
pub(crate) struct Ask<'a> {
    pub(crate) version: FhirVersion,
    pub(crate) interactions: Interactions,
    pub(crate) content: Content,
    /// The URL below which the endpoint is.
    pub(crate) base_url: &'a url::Url,
    /// Whether the subscription is to end.
    pub(crate) has_end: bool,
    /// The topic, if it is not a criteria.
    pub(crate) topic: Option<&'a str>,
    /// Whether there is a secret to sign with.
    pub(crate) has_signing_secret: bool,
    /// The parameters of a topic's filters; `None` where it is a criteria.
    pub(crate) filters: Option<Vec<Filter<'a>>>,
}

impl<'a> Ask<'a> {
    /// The parameters of the filters; none of a criteria.
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
    /// The room that `FHIR_SERVER` calls by this name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        ROOMS.into_iter().find(|room| room.name == name)
    }

    /// The room whose server calls itself so. Whoever runs a server may add to its name.
    pub(crate) fn recognised(said: &str) -> Option<&'static Self> {
        let said = said.to_lowercase();
        ROOMS.into_iter().find(|room| room.called.iter().any(|name| said.starts_with(name)))
    }

    /// The names of all rooms.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        ROOMS.into_iter().map(|room| room.name)
    }

    /// Whether it is known which make of server this is.
    pub(crate) fn is_known(&self) -> bool {
        !std::ptr::eq(self, &GENERIC)
    }

    /// The header that carries the signature of a body, and what stands before its digits there. A gateway signs as Medplum
    /// does.
    pub(crate) const fn signature_header(&self) -> (&'static str, &'static str) {
        match &self.signature {
            Signature::Body(signed) => (signed.header, signed.prefix),
            Signature::Nothing | Signature::ByGateway => (SIGNATURE, ""),
        }
    }
}

/// Whether some server's extension: a Subscription that was written for one may be there when another is named.
pub(crate) fn is_extension(url: &str) -> bool {
    is_secret(url) || ROOMS.into_iter().any(|room| room.registering.extensions.contains(&url))
}

/// Whether some server's extension that carries a secret, which a server may hide when it shows a Subscription.
pub(crate) fn is_secret(url: &str) -> bool {
    ROOMS.into_iter().any(|room| match &room.signature {
        Signature::Body(Signed { told_by: ToldBy::Extension(extension), .. }) => *extension == url,
        _ => false,
    })
}

impl fmt::Debug for Room {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Room").field(&self.name).finish()
    }
}

/// Refuses each filter that asks for more than that a parameter has one value: of servers that compare texts, which take
/// all else for part of the value, and never fire.
fn filters_are_equal(server: &str, ask: &Ask<'_>, cannot: &mut Cannot<'_>) {
    for filter in ask.filters().iter().filter(|filter| filter.is_chained() || filter.is_more_than_equal()) {
        cannot(&format!(
            "its filter `{filter}` asks for more than that a parameter has a value, and {server} does nothing else: \
             write `Type?parameter=value`, and look for the rest in the handler"
        ));
    }
}

/// Refuses each filter whose type is not known, of servers that read filters with their type only.
fn filters_have_types(server: &str, ask: &Ask<'_>, cannot: &mut Cannot<'_>) {
    for filter in ask.filters().iter().filter(|filter| filter.resource_type().is_none()) {
        cannot(&format!(
            "its filter `{filter}` names no type, neither the handler nor its other filters name just one, and {server} \
             reads no filter without: write `Type?{filter}`"
        ));
    }
}

/// Why a server that does not know them never fires for one of the parameters that ask for more than that an element has a
/// value.
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
