//! [`DeadLetter`]: an event that was given up. Dead letters are added, listed and removed here.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::backend::{Put, RecordId, RecordKind};
use super::record::{Body, Record, after};
use super::{Key, ROUNDS, Store, Stored, Unavailable};
use crate::fhir::Instant;
use crate::sorted;

/// An event that was given up. It names the event and its resource, and contains nothing of the resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeadLetter {
    /// The name of the dead letter.
    pub(crate) key: Key,
    /// The key of the event's record, if it is another key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) record: Option<Key>,
    /// Whether the event cannot be distinguished from the next one of its kind.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_passing: bool,
    /// The event's tenant, if the program has tenants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    /// The mark of the event's program. Earlier versions of the program wrote none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) program: Option<Key>,
    pub(crate) endpoint: String,
    /// `create`, `update`, `delete` or `unknown`.
    pub(crate) interaction: String,
    /// `Encounter/1`; a whole URL if the resource is on another server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version_id: Option<String>,
    /// `Subscription/1`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subscription: Option<String>,
    /// The number of a topic's event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) number: Option<u64>,
    /// When the event happened, if it is identified by its number: a FHIR `instant`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) timestamp: Option<String>,
    /// When the version was written, if nobody can read that later: it is a deletion with a version, or the event does not name
    /// its version.
    #[serde(default, rename = "deleted", skip_serializing_if = "Option::is_none")]
    pub(crate) updated: Option<Instant>,
    /// How often the handler was tried.
    pub(crate) tries: u32,
    /// The result of the last try, in the words of the log.
    pub(crate) outcome: String,
    /// The type of the last error, which quotes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error_kind: Option<String>,
    /// When it was given up: a FHIR `instant`.
    pub(crate) since: String,
}

/// How long dead letters are kept at least, because an operator may be away.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

impl DeadLetter {
    /// How long a dead letter is kept, if done events are remembered for `retention`.
    pub(crate) fn kept(retention: Duration) -> Duration {
        retention.max(KEPT)
    }

    /// The sort key, which puts the oldest letter first.
    pub(crate) fn age(&self) -> impl Ord {
        (&self.since, &self.key)
    }
}

impl Store {
    /// Keeps a dead letter, for a month or as long as done events are remembered, whichever is longer. A
    /// letter with the same key is replaced.
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

    /// The dead letters of this tenant, oldest first.
    pub(crate) async fn dead_letters(&self) -> Stored<Vec<DeadLetter>> {
        let now = self.now().await?;
        let records = self.backend.list(RecordKind::DeadLetter).await?;
        let there = records.into_iter().filter(|record| !record.has_expired(now));
        let mut letters: Vec<_> = there
            .filter_map(|record| match record.body {
                Body::DeadLetter(letter) => Some(*letter),
                _ => None,
            })
            .filter(|letter| letter.tenant.as_deref() == self.tenant.as_deref())
            .collect();
        sorted::by(&mut letters, |one, other| one.age().cmp(&other.age()));
        Ok(letters)
    }

    /// Whether there is a dead letter with this key.
    pub(crate) async fn has_dead_letter(&self, key: &Key) -> Stored<bool> {
        let now = self.now().await?;
        let found = self.backend.get(&id(key)).await?;
        Ok(found.is_some_and(|record| !record.has_expired(now) && self.is_own(&record)))
    }

    /// Removes a dead letter, and returns whether it was there. Its event stays done.
    pub(crate) async fn remove_dead_letter(&self, key: &Key) -> Stored<bool> {
        let (id, now) = (id(key), self.now().await?);
        let mut found = self.backend.get(&id).await?;
        for _ in 0..ROUNDS {
            let Some(record) = found.filter(|record| self.is_own(record)) else { return Ok(false) };
            match self.backend.put(&id, Some(record.revision), None).await? {
                Put::Done => return Ok(!record.has_expired(now)),
                Put::Refused(there) => found = there,
            }
        }
        Err(Unavailable::new("others keep writing a dead letter"))
    }

    /// Whether it is a dead letter of this tenant.
    fn is_own(&self, record: &Record) -> bool {
        match &record.body {
            Body::DeadLetter(letter) => letter.tenant.as_deref() == self.tenant.as_deref(),
            _ => false,
        }
    }
}

fn id(key: &Key) -> RecordId {
    RecordId { kind: RecordKind::DeadLetter, key: *key }
}
