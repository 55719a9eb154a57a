//! Records under old keys: a table that an earlier version has written to is read for as long as its records are kept.
//!
//! Keys once did not tell FHIR servers apart, and `order = "latest"` had one record for all versions of a resource. When a
//! table is used first with the keys of today, that moment is written down. Until its records have expired, what is
//! fresh is looked for under its old keys too.

use super::backend::{Put, RecordId, RecordKind};
use super::entry::Begun;
use super::events::{event_id, read_event};
use super::record::{Body, Record, after};
use super::{Store, Stored, unreadable};
use crate::fhir::Instant;
use crate::key::Key;

/// What the record is found by that says since when keys are made as today; there is one.
const SINCE: RecordId = RecordId { kind: RecordKind::Store, key: Key::ZERO };

/// The earlier key of an event.
#[derive(Debug)]
pub(crate) struct OldKeys {
    /// Of the event itself, by each of its names.
    pub(crate) names: Vec<Key>,
    /// Of its resource, where only the latest version is wanted, and when this one was written.
    pub(crate) resource: Option<(Key, Option<Instant>)>,
}

impl Store {
    /// Whether the backend is one that an earlier version may have written to.
    pub(crate) fn may_have_old_keys(&self) -> bool {
        self.backend.has_old_keys()
    }

    /// Whether events may have been handled under old keys. It asks the backend once a process.
    pub(crate) async fn reads_old_keys(&self) -> Stored<bool> {
        if !self.may_have_old_keys() {
            return Ok(false);
        }
        let until = self.old_keys.get_or_try_init(|| self.until_when()).await?;
        match until {
            Some(until) => Ok(self.now().await? < *until),
            None => Ok(false),
        }
    }

    async fn until_when(&self) -> Stored<Option<u64>> {
        let now = self.now().await?;
        let record = match self.backend.get(&SINCE).await? {
            Some(record) => record,
            None => {
                let record = Record::new(None, Body::Since(now));
                match self.backend.put(&SINCE, None, Some(&record)).await? {
                    Put::Done => record,
                    Put::Refused(there) => there.ok_or_else(unreadable)?,
                }
            }
        };
        let Body::Since(since) = record.body else { return Err(unreadable()) };
        let until = after(since, self.retention);
        Ok((now < until).then_some(until))
    }

    /// What became of an event under its old keys: done, under way or superseded. `None` where nothing did.
    pub(crate) async fn under_old_keys(&self, old: &OldKeys) -> Stored<Option<Begun>> {
        let now = self.now().await?;
        for name in &old.names {
            let record = self.backend.get(&event_id(name)).await?;
            if let Some(record) = read_event(record.as_ref(), now)? {
                if record.lease.is_some_and(|until| until > now) {
                    return Ok(Some(Begun::UnderWay));
                }
                if record.is_done {
                    return Ok(Some(Begun::Done));
                }
            }
        }
        let Some((key, updated)) = &old.resource else { return Ok(None) };
        let record = self.backend.get(&event_id(key)).await?;
        let Some(record) = read_event(record.as_ref(), now)? else { return Ok(None) };
        if record.lease.is_some_and(|until| until > now) {
            return Ok(Some(Begun::UnderWay));
        }
        let Some((newest, version)) = record.latest.as_deref() else { return Ok(None) };
        if old.names.contains(version) {
            return Ok(Some(Begun::Done));
        }
        Ok(updated.is_some_and(|updated| updated < *newest).then_some(Begun::Superseded))
    }
}
