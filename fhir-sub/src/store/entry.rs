//! [`Entry`]: an event, as the store is asked for it; and what comes of beginning one.

use super::record::{EventRecord, Millis, ResourceRecord};
use crate::fhir::Instant;
use crate::key::Key;

/// An event, as the store is asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The key of its record.
    pub(crate) key: Key,
    pub(crate) identity: Identity,
    /// What is to be known of its resource too; nothing for most events.
    pub(crate) resource: Option<OfResource>,
}

/// How surely an event is told from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// One version of a resource, or one numbered event: once done, it stays so.
    Once,
    /// Nothing tells it from the next of its kind, as a deletion whose version is not known: it is kept apart only from one
    /// under way, or a resource deleted, created and deleted again would lose its second deletion.
    Passing,
    /// Only its content tells it from the event before: a return to an earlier content is another event.
    Content(Key),
}

/// What is to be known of the resource of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OfResource {
    pub(crate) key: Key,
    /// Whether only newer versions are wanted after this one, and one after the other.
    pub(crate) is_ordered: bool,
    /// When the version was written, as far as that is known.
    pub(crate) updated: Option<Instant>,
    pub(crate) is_deletion: bool,
    pub(crate) told: Told,
}

/// What an event was told by, as far as that makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// By its version, or as a deletion.
    Version,
    /// A search found it, with its version.
    Search,
    /// By when it was written, without its version.
    Time(Instant),
    /// By its number, and when it happened.
    Number(Instant),
}

impl Entry {
    pub(crate) fn once(key: Key) -> Self {
        Self { key, identity: Identity::Once, resource: None }
    }

    pub(crate) fn passing(key: Key) -> Self {
        Self { key, identity: Identity::Passing, resource: None }
    }

    /// What a handler may go by, before the event is begun.
    pub(crate) fn idempotency_key(&self) -> Option<Key> {
        matches!(self.identity, Identity::Once).then_some(self.key)
    }
}

/// How an event is to be begun.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    /// How often it may be begun, where no try came to an end.
    pub(crate) limit: u32,
    /// Whether it may be begun after an instance has died at it.
    pub(crate) is_alone: bool,
    /// Whether it was given up, and is to be begun once more.
    pub(crate) is_again: bool,
    /// Whether its resource is known to be there, whatever deletion was handled last.
    pub(crate) is_there: bool,
}

impl How {
    /// As what a notification tells of is begun.
    pub(crate) const fn told(limit: u32) -> Self {
        Self { limit, is_alone: false, is_again: false, is_there: false }
    }
}

/// What came of beginning an event. Claims are boxed, since they are handed on through several futures.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// It is to be handled.
    Fresh(Box<Claim>),
    /// Another is at it.
    UnderWay,
    /// It was handled, or given up.
    Done,
    /// A newer version of the resource was handled.
    Superseded,
    /// An instance died at it: it is to be begun alone, so that others do not die with it. It was begun so often.
    Suspect { tries: u32 },
    /// Instances died at it as often as it may be begun: it is to be given up.
    Exhausted(Box<Claim>),
    /// The resource was deleted, and it is not known when: this version may be older.
    AfterDeletion,
}

/// A lease on an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) entry: Entry,
    /// The revision of its record, which tells the claim from that of another who has begun the event after this lease ran
    /// out.
    pub(crate) token: u64,
    /// How often the event was begun, this time included.
    pub(crate) tries: u32,
    pub(super) record: EventRecord,
    pub(super) expires: Millis,
    pub(super) resource: Option<ResourceClaim>,
}

/// What a claim has to tell the record of its resource, once it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ResourceClaim {
    pub(super) began: Millis,
    /// The lease, where events are handled one after the other: the record, and its revision.
    pub(super) lease: Option<(u64, ResourceRecord)>,
}

impl Claim {
    /// Whether it was given up before.
    pub(crate) fn was_given_up(&self) -> bool {
        self.record.is_dead
    }

    /// Which of several equal contents of a resource it is, where that is what it is known by.
    pub(crate) fn content(&self) -> Option<(Key, u32)> {
        Some((self.record.version?, self.record.sequence))
    }
}
