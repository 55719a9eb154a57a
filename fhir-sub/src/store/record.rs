//! [`Record`]: the value under one id.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::dead_letter::DeadLetter;
use super::sweep_state::SweepState;
use crate::fhir::Instant;
use crate::key::Key;

/// Milliseconds since 1970, by the store's clock.
pub(crate) type Millis = u64;

/// The value under one id: plain data, which `serde` writes and reads.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub(crate) revision: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<Millis>,
    pub(crate) body: Body,
}

/// The content of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Body {
    Event(EventRecord),
    // Rare kinds are boxed, so that a million events take little room.
    Resource(Box<ResourceRecord>),
    Sweep(Box<SweepRecord>),
    DeadLetter(Box<DeadLetter>),
    /// Since when keys have their present form.
    Since(Millis),
}

/// An event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct EventRecord {
    /// Until when the event is under way. It is set from the beginning to the end: a lease that has run out
    /// shows that the event killed its instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lease: Option<Millis>,
    pub(crate) is_done: bool,
    /// It is a dead letter.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) is_dead: bool,
    /// How often it was begun since it was last done.
    pub(crate) tries: u32,
    /// If the event is identified by its content: the content that was begun last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<Key>,
    /// How many contents came before that one.
    #[serde(skip_serializing_if = "crate::json::is_zero")]
    pub(crate) sequence: u32,
    /// Only for a deletion whose version comes from a history without times: when that history was requested,
    /// by the server's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) asked: Option<Box<Instant>>,
    /// Only in records under old keys: the newest version of a resource that is done, and when it was
    /// written.
    #[serde(skip)]
    pub(crate) latest: Option<Box<(Instant, Key)>>,
}

/// The facts about a resource, apart from its single versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ResourceRecord {
    /// Until when one of its events is being handled, if they are handled one after the other: either they
    /// are ordered, or they may be one event with two names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lease: Option<Millis>,
    /// When the newest done version was written, if older ones are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) newest: Option<Instant>,
    /// Its last event was a deletion without a time.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) is_deleted: bool,
    /// When the newest event happened that was handled by its number, without a version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) numbered: Option<Instant>,
    /// When the versions were written that were handled without their ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) unnamed: Vec<Instant>,
    /// The versions that were handled because a search found them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) found: Vec<FoundVersion>,
    /// The times of the handled deletions that a search found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) deletions: Vec<Instant>,
    /// The four facts before this one of the events that were given up, and nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) given_up: Option<Box<Self>>,
}

/// A version that a search found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FoundVersion {
    /// When it was written.
    pub(crate) updated: Instant,
    /// When the search showed that it was still the current version, by the store's clock.
    pub(crate) at: Millis,
}

/// The sweeps of a subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SweepRecord {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lease: Option<Millis>,
    pub(crate) state: SweepState,
}

impl Record {
    /// A record with a revision of its own.
    pub(crate) fn new(expires: Option<Millis>, body: Body) -> Self {
        // Shifted, because a database's integers have a sign.
        Self { revision: fastrand::u64(..) >> 1, expires, body }
    }

    /// A number that changes with each write: at most 63 bits. Exception: a write that only extends a lease or the expiry, or that
    /// saves the position of a sweep, may keep it. A backend still writes such a record.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// When the record may be forgotten; `None` if it is kept for ever.
    #[must_use]
    pub fn expires(&self) -> Option<SystemTime> {
        self.expires.map(|expires| SystemTime::UNIX_EPOCH + Duration::from_millis(expires))
    }

    pub(crate) fn has_expired(&self, now: Millis) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// Without the content: a dead letter names a patient.
impl fmt::Debug for Record {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { revision, expires, .. } = self;
        formatter
            .debug_struct("Record")
            .field("revision", revision)
            .field("expires", expires)
            .finish_non_exhaustive()
    }
}

/// A moment in the store's unit.
pub(crate) fn millis(moment: SystemTime) -> Millis {
    millis_of(moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

pub(crate) fn millis_of(time: Duration) -> Millis {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The moment after this time.
pub(crate) fn after(moment: Millis, time: Duration) -> Millis {
    moment.saturating_add(millis_of(time))
}

fn is_false(value: &bool) -> bool {
    !value
}
