//! Events: begun by one call of the backend, and completed or released by another.

use std::time::Duration;

use super::backend::{Put, RecordId, RecordKind};
use super::entry::{Begun, Claim, Entry, How, OfResource, ResourceClaim, Told};
use super::record::{Body, EventRecord, Millis, Record, ResourceRecord, after};
use super::rules::{self, Beginning, End};
use super::{ROUNDS, Store, Stored, unreadable};
use crate::key::Key;

impl Store {
    /// Takes a lease on an event, unless it is done or under way.
    pub(crate) async fn begin(&self, entry: &Entry, lease: Duration, how: How) -> Stored<Begun> {
        let now = self.now().await?;
        let mut claim = match self.begin_event(entry, now, lease, how).await? {
            Begun::Fresh(claim) => claim,
            other => return Ok(other),
        };
        let Some(of) = &entry.resource else { return Ok(Begun::Fresh(claim)) };
        match Box::pin(self.begin_resource(of, now, lease, how)).await? {
            Ok(resource) => {
                claim.resource = Some(resource);
                Ok(Begun::Fresh(claim))
            }
            Err(begun @ (Begun::Done | Begun::Superseded)) => {
                // The next who is told of it need not look at the resource.
                Box::pin(self.end_event(&claim, End::Done)).await?;
                Ok(begun)
            }
            Err(begun) => {
                Box::pin(self.end_event(&claim, End::Untried)).await?;
                Ok(begun)
            }
        }
    }

    /// The event is done, and is not begun again; a passing one is forgotten. Without effect where the lease has run out and
    /// another has begun it.
    pub(crate) async fn complete(&self, claim: &Claim) -> Stored<()> {
        self.end(claim, End::Done).await
    }

    /// The event is free to be begun again; how often it was tried is kept. Without effect where another has begun it.
    pub(crate) async fn release(&self, claim: &Claim) -> Stored<()> {
        self.end(claim, End::Failed).await
    }

    /// The event is free to be begun again, and this try does not count.
    pub(crate) async fn release_untried(&self, claim: &Claim) -> Stored<()> {
        self.end(claim, End::Untried).await
    }

    /// The event is given up: where the store is durable it counts as done, until its dead letter is retried.
    pub(crate) async fn give_up(&self, claim: &Claim) -> Stored<()> {
        self.end(claim, End::GivenUp { is_durable: self.is_durable() }).await
    }

    /// The record of the resource is told first: whoever dies in between has the event handled once more, and none that is
    /// older after it.
    async fn end(&self, claim: &Claim, end: End) -> Stored<()> {
        if let (Some(of), Some(resource)) = (&claim.entry.resource, &claim.resource) {
            Box::pin(self.end_resource(of, resource, end == End::Done)).await?;
        }
        self.end_event(claim, end).await
    }

    /// Whether an event was begun, whatever came of it.
    pub(crate) async fn is_known(&self, key: &Key) -> Stored<bool> {
        let (now, found) = (self.now().await?, self.backend.get(&event_id(key)).await?);
        Ok(read_event(found.as_ref(), now)?.is_some())
    }

    async fn begin_event(&self, entry: &Entry, now: Millis, lease: Duration, how: How) -> Stored<Begun> {
        let (id, until) = (event_id(&entry.key), after(now, lease));
        let expires = after(until, self.retention);
        let mut found: Option<Record> = None;
        // What is fresh mostly has no record, and what has one is told by the refusal.
        for _ in 0..ROUNDS {
            let there = read_event(found.as_ref(), now)?;
            let Beginning { record, is_exhausted } = match rules::begin(there, entry, how, now, until) {
                Ok(beginning) => beginning,
                Err(refused) => return Ok(refused),
            };
            let expected = found.as_ref().map(Record::revision);
            let next = Record::new(Some(expires), Body::Event(record.clone()));
            match self.backend.put(&id, expected, Some(&next)).await? {
                Put::Done => return Ok(claim(entry, &next, record, is_exhausted)),
                // The answer to the put was lost, and the call was repeated.
                Put::Refused(Some(there)) if there.revision == next.revision => {
                    return Ok(claim(entry, &next, record, is_exhausted));
                }
                Put::Refused(there) => found = there,
            }
        }
        // Others are at it, whatever came of that.
        Ok(Begun::UnderWay)
    }

    async fn end_event(&self, claim: &Claim, end: End) -> Stored<()> {
        let now = self.now().await?;
        if claim.expires <= now {
            return Ok(());
        }
        let next = rules::end(&claim.record, claim.entry.identity, end)
            .map(|record| Record::new(Some(after(now, self.retention)), Body::Event(record)));
        // Refused, it is another's by now; or the answer to the put was lost, and the call was repeated.
        self.backend.put(&event_id(&claim.entry.key), Some(claim.token), next.as_ref()).await?;
        Ok(())
    }

    /// Takes the lease on a resource whose events are handled one after the other. The error is what the event comes to
    /// instead; it is done where it was handled under another name.
    async fn begin_resource(
        &self,
        of: &OfResource,
        now: Millis,
        lease: Duration,
        how: How,
    ) -> Stored<Result<ResourceClaim, Begun>> {
        let (id, until) = (resource_id(&of.key), after(now, lease));
        let claim = |lease| Ok(Ok(ResourceClaim { began: now, lease }));
        let mut found = self.backend.get(&id).await?;
        for _ in 0..ROUNDS {
            let there = read_resource(found.as_ref(), now)?;
            // A dead letter is known by its own name.
            if !how.is_again && there.is_some_and(|there| rules::covers(there, of)) {
                return Ok(Err(Begun::Done));
            }
            if !of.is_ordered {
                return claim(None);
            }
            let record = match rules::begin_resource(there, of, how, now, until) {
                Ok(record) => record,
                Err(refused) => return Ok(Err(refused)),
            };
            let expected = found.as_ref().map(Record::revision);
            let next = self.resource(record.clone(), until);
            match self.backend.put(&id, expected, Some(&next)).await? {
                Put::Done => return claim(Some((next.revision, record))),
                Put::Refused(Some(there)) if there.revision == next.revision => {
                    return claim(Some((next.revision, record)));
                }
                Put::Refused(there) => found = there,
            }
        }
        Ok(Err(Begun::UnderWay))
    }

    async fn end_resource(&self, of: &OfResource, claim: &ResourceClaim, is_done: bool) -> Stored<()> {
        let (id, now) = (resource_id(&of.key), self.now().await?);
        if let Some((revision, record)) = &claim.lease {
            let next = self.resource(rules::end_resource(record, of, is_done, claim.began), now);
            // Refused, the resource is another's by now.
            self.backend.put(&id, Some(*revision), Some(&next)).await?;
            return Ok(());
        }
        if !is_done || of.told == Told::Version {
            return Ok(());
        }
        let mut found = self.backend.get(&id).await?;
        for _ in 0..ROUNDS {
            let there = read_resource(found.as_ref(), now)?.cloned().unwrap_or_default();
            let lease = there.lease;
            let next = ResourceRecord { lease, ..rules::end_resource(&there, of, true, claim.began) };
            let next = self.resource(next, now);
            let expected = found.as_ref().map(Record::revision);
            match self.backend.put(&id, expected, Some(&next)).await? {
                Put::Done => break,
                Put::Refused(Some(there)) if there.revision == next.revision => break,
                Put::Refused(there) => found = there,
            }
        }
        Ok(())
    }

    fn resource(&self, record: ResourceRecord, from: Millis) -> Record {
        Record::new(Some(after(from, self.retention)), Body::Resource(Box::new(record)))
    }
}

fn claim(entry: &Entry, put: &Record, record: EventRecord, is_exhausted: bool) -> Begun {
    let (token, tries, expires) = (put.revision, record.tries, put.expires.unwrap_or(Millis::MAX));
    let claim = Box::new(Claim { entry: entry.clone(), token, tries, record, expires, resource: None });
    if is_exhausted { Begun::Exhausted(claim) } else { Begun::Fresh(claim) }
}

pub(super) fn event_id(key: &Key) -> RecordId {
    RecordId { kind: RecordKind::Event, key: *key }
}

fn resource_id(key: &Key) -> RecordId {
    RecordId { kind: RecordKind::Resource, key: *key }
}

/// The record of an event; `None` where it has expired.
pub(super) fn read_event(record: Option<&Record>, now: Millis) -> Stored<Option<&EventRecord>> {
    let Some(record) = record.filter(|record| !record.has_expired(now)) else { return Ok(None) };
    match &record.body {
        Body::Event(record) => Ok(Some(record)),
        _ => Err(unreadable()),
    }
}

fn read_resource(record: Option<&Record>, now: Millis) -> Stored<Option<&ResourceRecord>> {
    let Some(record) = record.filter(|record| !record.has_expired(now)) else { return Ok(None) };
    match &record.body {
        Body::Resource(record) => Ok(Some(record)),
        _ => Err(unreadable()),
    }
}
