//! Records under old keys: if an earlier version wrote to a table, its records are read until they expire.
//!
//! Earlier keys did not contain the FHIR server, and `order = "latest"` had one record for all versions of a
//! resource. The first use of a table with present keys writes down its moment. Until the older records have
//! expired, a new event is looked up under its old keys too.

use super::backend::{Put, RecordId, RecordKind};
use super::entry::Begun;
use super::events::{event_id, read_event};
use super::record::{Body, Record, after};
use super::{Store, Stored, unreadable};
use crate::fhir::Instant;
use crate::key::Key;

/// The id of the record that says since when keys have their present form. There is one such record.
const SINCE: RecordId = RecordId { kind: RecordKind::Store, key: Key::ZERO };

/// The old keys of an event.
#[derive(Debug)]
pub(crate) struct OldKeys {
    /// The keys of the event itself, one for each of its names.
    pub(crate) names: Vec<Key>,
    /// If only the latest version is wanted: the key of its resource, and when this version was written.
    pub(crate) resource: Option<(Key, Option<Instant>)>,
}

impl Store {
    /// Whether an earlier version may have written to the backend. Tenants are newer: their old keys would equal the
    /// present keys, and each event would find its own record.
    pub(crate) fn may_have_old_keys(&self) -> bool {
        self.tenant.is_none() && self.backend.has_old_keys()
    }

    /// Whether events may have been handled under old keys. The backend is asked once in each process.
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

    /// The state of an event under its old keys: done, under way or superseded. `None` if there is no record.
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
