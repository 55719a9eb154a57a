//! [`Record`]: what is kept under one id.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::dead_letter::DeadLetter;
use super::sweep_state::SweepState;
use crate::fhir::Instant;
use crate::key::Key;

/// Milliseconds since 1970, by the store's clock.
pub(crate) type Millis = u64;

/// What is kept under one id: plain data, which `serde` writes and reads.
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
    // The rare ones are boxed, so that a million events take no more room than they need.
    Resource(Box<ResourceRecord>),
    Sweep(Box<SweepRecord>),
    DeadLetter(Box<DeadLetter>),
    /// Since when the store's keys are made as they are today.
    Since(Millis),
}

/// An event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct EventRecord {
    /// Until when it is under way: there from its beginning to its ending, so that a lease which has run out shows an
    /// instance that died at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lease: Option<Millis>,
    pub(crate) is_done: bool,
    /// It is a dead letter.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) is_dead: bool,
    /// How often it was begun since it was done.
    pub(crate) tries: u32,
    /// Of what is known by its content: the content that was begun last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<Key>,
    /// How many contents came before that one.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) sequence: u32,
    /// What only records under old keys have: the newest version of a resource that is done, and when it was written.
    #[serde(skip)]
    pub(crate) latest: Option<Box<(Instant, Key)>>,
}

/// The facts about a resource, apart from its single versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ResourceRecord {
    /// Until when one of its events is under way, where they are handled one after the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lease: Option<Millis>,
    /// When the newest version was written that is done, where older ones are left out after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) newest: Option<Instant>,
    /// Its last event was a deletion that did not say when it was.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) is_deleted: bool,
    /// When the newest event happened that was handled by its number, without its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) numbered: Option<Instant>,
    /// When versions were written that were handled without their version ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) unnamed: Vec<Instant>,
    /// Which versions were handled because a search found them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) found: Vec<FoundVersion>,
}

/// A version that a search found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FoundVersion {
    /// When it was written.
    pub(crate) updated: Instant,
    /// When it was still the current one, by the store's clock.
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
        // A database's integers have a sign.
        Self { revision: fastrand::u64(..) >> 1, expires, body }
    }

    /// Another after each write: at most 63 bits.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// When the record may be forgotten; `None` for one that is kept for ever.
    #[must_use]
    pub fn expires(&self) -> Option<SystemTime> {
        self.expires.map(|expires| SystemTime::UNIX_EPOCH + Duration::from_millis(expires))
    }

    pub(crate) fn has_expired(&self, now: Millis) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// Without what it says: a dead letter names a patient.
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

/// A moment as the store counts.
pub(crate) fn millis(moment: SystemTime) -> Millis {
    millis_of(moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

pub(crate) fn millis_of(time: Duration) -> Millis {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// So long after a moment.
pub(crate) fn after(moment: Millis, time: Duration) -> Millis {
    moment.saturating_add(millis_of(time))
}

#[allow(clippy::trivially_copy_pass_by_ref)] // As serde wants it.
fn is_false(value: &bool) -> bool {
    !value
}

#[allow(clippy::trivially_copy_pass_by_ref)] // As serde wants it.
fn is_zero(value: &u32) -> bool {
    *value == 0
}
