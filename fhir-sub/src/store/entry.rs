//! [`Entry`]: an event in a request to the store; [`Begun`]: the result of beginning it.

use std::time::Duration;

use super::record::{EventRecord, Millis, ResourceRecord};
use crate::fhir::Instant;
use crate::key::Key;

/// An event in a request to the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The key of its record.
    pub(crate) key: Key,
    pub(crate) identity: Identity,
    /// The facts about its resource that the store needs; `None` for most events.
    pub(crate) resource: Option<OfResource>,
}

/// How surely an event can be distinguished from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// One version of a resource, or one numbered event: once done, it stays done.
    Once,
    /// The event cannot be distinguished from the next one of its kind, such as a deletion without a version.
    /// So it counts as the same only while it is under way. Otherwise, if a resource is deleted, created and
    /// deleted again, the second deletion would be lost.
    Passing,
    /// Only its content distinguishes it from the event before. A return to an earlier content is another
    /// event.
    Content(Key),
}

/// The facts about an event's resource that the store needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OfResource {
    pub(crate) key: Key,
    /// Whether older versions are left out.
    pub(crate) is_ordered: bool,
    /// When the version was written, if known.
    pub(crate) updated: Option<Instant>,
    pub(crate) is_deletion: bool,
    pub(crate) told: Told,
}

/// How the event was reported, if that makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// With its version, or as a deletion without a version and a time.
    Version,
    /// By a search, with its version.
    Search,
    /// With the time when it was written, without its version.
    Time(Instant),
    /// With its number, and the time when it happened.
    Number(Instant),
    /// The same, and the event may be the deletion of the resource.
    NumberOrDeletion(Instant),
}

impl Entry {
    pub(crate) fn once(key: Key) -> Self {
        Self { key, identity: Identity::Once, resource: None }
    }

    pub(crate) fn passing(key: Key) -> Self {
        Self { key, identity: Identity::Passing, resource: None }
    }

    /// The idempotency key for the handler, before the event is begun.
    pub(crate) fn idempotency_key(&self) -> Option<Key> {
        matches!(self.identity, Identity::Once).then_some(self.key)
    }
}

/// The conditions of beginning an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    /// How often it may be begun if no try comes to an end.
    pub(crate) limit: u32,
    /// Whether it may be begun although it has killed an instance.
    pub(crate) is_alone: bool,
    /// Whether it was given up, and is retried.
    pub(crate) is_again: bool,
    /// Whether its resource is known to exist, even if the last handled event was a deletion.
    pub(crate) is_there: bool,
    /// Only for a deletion whose version comes from a history without times: when that history was requested,
    /// by the server's clock.
    pub(crate) asked: Option<Instant>,
    /// How long ago a search showed the event; zero if none did.
    pub(crate) age: Duration,
}

impl How {
    /// The conditions for an event of a notification.
    pub(crate) const fn told(limit: u32) -> Self {
        let age = Duration::ZERO;
        Self { limit, is_alone: false, is_again: false, is_there: false, asked: None, age }
    }
}

/// The result of beginning an event. Claims are boxed, because they pass through several futures.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// The caller must handle it.
    Fresh(Box<Claim>),
    /// Another request or instance is handling it.
    UnderWay,
    /// It was handled or given up.
    Done,
    /// A newer version of the resource was handled.
    Superseded,
    /// It has killed an instance: begin it alone, so that other events do not die with it. `tries` says how
    /// often it was begun.
    Suspect { tries: u32 },
    /// It killed an instance on each allowed try: the caller must give it up.
    Exhausted(Box<Claim>),
    /// The resource was deleted at an unknown time, so this version may be older.
    AfterDeletion,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) entry: Entry,
    /// The revision of its record. It distinguishes this claim from a later one, which another instance takes
    /// after this lease has run out.
    pub(crate) token: u64,
    /// How often the event was begun, including this time.
    pub(crate) tries: u32,
    pub(super) record: EventRecord,
    /// When the lease of the try before ran out, if that try killed its instance.
    pub(super) died: Option<Millis>,
    pub(super) expires: Millis,
    pub(super) resource: Option<ResourceClaim>,
}

/// The state that a claim needs at its end, to update the record of its resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ResourceClaim {
    /// When a search showed the event, by the store's clock. If none did: when the event was begun.
    pub(super) shown: Millis,
    /// The leased record, and its revision.
    pub(super) revision: u64,
    pub(super) record: ResourceRecord,
}

impl Claim {
    pub(crate) fn was_given_up(&self) -> bool {
        self.record.is_dead
    }

    /// If the event is identified by its content: the content, and how many contents came before it.
    pub(crate) fn content(&self) -> Option<(Key, u32)> {
        Some((self.record.version?, self.record.sequence))
    }
}
