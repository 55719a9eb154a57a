//! [`DeadLetter`]: an event that was given up; and how letters are kept, listed and removed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::backend::{Put, RecordId, RecordKind};
use super::record::{Body, Record, after};
use super::{Key, ROUNDS, Store, Stored, Unavailable};

/// An event that was given up: where it is found again, and nothing of what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeadLetter {
    /// By which it is named.
    pub(crate) key: Key,
    /// That of the event's record, where it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) record: Option<Key>,
    /// Whether nothing tells the event from the next of its kind.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_passing: bool,
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
    /// When the event happened, where its number is what it is known by: a FHIR `instant`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) timestamp: Option<String>,
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

    /// The sort key: the oldest first.
    pub(crate) fn age(&self) -> impl Ord {
        (&self.since, &self.key)
    }
}

impl Store {
    /// Keeps what was given up, for a month or so long as what was handled; a second time with the same key takes the place
    /// of the first.
    pub(crate) async fn add_dead_letter(&self, letter: &DeadLetter) -> Stored<()> {
        let expires = after(self.now().await?, DeadLetter::kept(self.retention));
        let next = Record::new(Some(expires), Body::DeadLetter(Box::new(letter.clone())));
        let (id, mut expected) = (id(&letter.key), None);
        for _ in 0..ROUNDS {
            match self.backend.put(&id, expected, Some(&next)).await? {
                Put::Done => return Ok(()),
                Put::Refused(Some(there)) if there.revision == next.revision => return Ok(()),
                Put::Refused(there) => expected = there.as_ref().map(Record::revision),
            }
        }
        Err(Unavailable::new("others keep writing a dead letter"))
    }

    /// All that was given up, the oldest first.
    pub(crate) async fn dead_letters(&self) -> Stored<Vec<DeadLetter>> {
        let now = self.now().await?;
        let records = self.backend.list(RecordKind::DeadLetter).await?;
        let there = records.into_iter().filter(|record| !record.has_expired(now));
        let mut letters: Vec<_> = there
            .filter_map(|record| match record.body {
                Body::DeadLetter(letter) => Some(*letter),
                _ => None,
            })
            .collect();
        letters.sort_unstable_by(|one, other| one.age().cmp(&other.age()));
        Ok(letters)
    }

    /// Whether there is a dead letter of this key.
    pub(crate) async fn has_dead_letter(&self, key: &Key) -> Stored<bool> {
        let now = self.now().await?;
        Ok(self.backend.get(&id(key)).await?.is_some_and(|record| !record.has_expired(now)))
    }

    /// Takes away what was given up; whether it was there. Its event stays done.
    pub(crate) async fn remove_dead_letter(&self, key: &Key) -> Stored<bool> {
        let (id, now) = (id(key), self.now().await?);
        let mut found = self.backend.get(&id).await?;
        for _ in 0..ROUNDS {
            let Some(record) = found else { return Ok(false) };
            match self.backend.put(&id, Some(record.revision), None).await? {
                Put::Done => return Ok(!record.has_expired(now)),
                Put::Refused(there) => found = there,
            }
        }
        Err(Unavailable::new("others keep writing a dead letter"))
    }
}

fn id(key: &Key) -> RecordId {
    RecordId { kind: RecordKind::DeadLetter, key: *key }
}
