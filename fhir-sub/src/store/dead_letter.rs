//! [`DeadLetter`]: an event that was given up.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Key;

/// An event that was given up: where it is found again, and nothing of what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeadLetter {
    /// That of the event's record, by which it is named.
    pub(crate) key: Key,
    pub(crate) endpoint: String,
    /// `create`, `update`, `delete` or `unknown`.
    pub(crate) interaction: String,
    /// `Encounter/1`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version_id: Option<String>,
    /// `Subscription/1`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subscription: Option<String>,
    /// The event's number, of a topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) number: Option<u64>,
    /// How often it was tried.
    pub(crate) tries: u32,
    /// How it ended the last time, in the words of the log.
    pub(crate) outcome: String,
    /// The type of the last error, which quotes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error_kind: Option<String>,
    /// When it was given up: a FHIR `instant`.
    pub(crate) since: String,
}

/// How long letters are kept at least: an operator may be away.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

impl DeadLetter {
    /// How long one is kept, where what was handled is kept so long.
    pub(crate) fn kept(retention: Duration) -> Duration {
        retention.max(KEPT)
    }

    /// What puts the oldest first.
    pub(crate) fn age(&self) -> impl Ord {
        (&self.since, &self.key)
    }
}
