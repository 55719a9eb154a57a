//! Begins events with one call of the backend, and completes or releases them with another.

use std::time::Duration;

use futures_util::future::join;

use super::backend::{Put, RecordId, RecordKind};
use super::entry::{Begun, Claim, Entry, How, Identity, OfResource, ResourceClaim};
use super::record::{Body, EventRecord, Millis, Record, ResourceRecord, after, millis_of};
use super::rules::{self, Beginning, End};
use super::{ROUNDS, Store, Stored, Unavailable, unreadable};
use crate::fhir::Instant;
use crate::key::Key;

/// How long to try to free an event or a resource whose beginning failed.
const TO_TAKE_BACK: Duration = Duration::from_secs(2);

impl Store {
    /// Takes a lease on an event, unless it is done or under way.
    pub(crate) async fn begin(&self, entry: &Entry, lease: Duration, how: How) -> Stored<Begun> {
        let now = self.now().await?;
        match &entry.resource {
            None => self.begin_event(entry, now, lease, how).await,
            Some(of) => Box::pin(self.begin_both(entry, of, now, lease, how)).await,
        }
    }

    /// Takes a lease on an event, and one on its resource.
    async fn begin_both(
        &self,
        entry: &Entry,
        of: &OfResource,
        now: Millis,
        lease: Duration,
        how: How,
    ) -> Stored<Begun> {
        // Both calls start at the same time. If the read record is old when the event is begun, the lease on
        // the resource is refused.
        let (id, begin) = (resource_id(&of.key), self.begin_event(entry, now, lease, how));
        let (begun, found) = join(begin, self.backend.get(&id)).await;
        let mut claim = match begun? {
            Begun::Fresh(claim) => claim,
            other => return Ok(other),
        };
        let resource = match found {
            Ok(found) => self.begin_resource(of, found, now, lease, how).await,
            Err(unavailable) => Err(unavailable),
        };
        match resource {
            Ok(Ok(resource)) => {
                claim.resource = Some(resource);
                Ok(Begun::Fresh(claim))
            }
            Ok(Err((begun, end))) => {
                self.end_event(&claim, end).await?;
                Ok(begun)
            }
            Err(unavailable) => {
                // Nothing ran. If the store learns of that, it does not count as a try.
                drop(self.end_event(&claim, End::Untried).await);
                Err(unavailable)
            }
        }
    }

    /// Marks the event as done; a passing event is forgotten. This has no effect if the lease has run out and
    /// another instance has begun the event.
    pub(crate) async fn complete(&self, claim: &Claim) -> Stored<()> {
        self.end(claim, End::Done).await
    }

    /// Frees the event, and keeps the number of its tries. This has no effect if another instance has begun
    /// the event.
    pub(crate) async fn release(&self, claim: &Claim) -> Stored<()> {
        self.end(claim, End::Failed).await
    }

    /// Frees the event, without counting this try.
    pub(crate) async fn release_untried(&self, claim: &Claim) -> Stored<()> {
        self.end(claim, End::Untried).await
    }

    /// Frees an event that must be given up without another try. The store could not write its dead letter.
    pub(crate) async fn release_exhausted(&self, claim: &Claim) -> Stored<()> {
        self.end(claim, End::NotGivenUp).await
    }

    /// Gives the event up. If the store is durable, the event counts as done until its dead letter is
    /// retried.
    pub(crate) async fn give_up(&self, claim: &Claim) -> Stored<()> {
        self.end(claim, End::GivenUp { is_durable: self.is_durable() }).await
    }

    async fn end(&self, claim: &Claim, end: End) -> Stored<()> {
        match (&claim.entry.resource, &claim.resource) {
            (Some(of), Some(resource)) => Box::pin(self.end_both(claim, of, resource, end)).await,
            _ => self.end_event(claim, end).await.map(drop),
        }
    }

    /// Ends an event, and gives back the lease on its resource.
    ///
    /// The record of the resource is written first. If the instance dies in between, the event is handled
    /// once more, but no older event is handled after it. If the record cannot be written, the event still ends:
    /// a handled event must not count as one that killed its instance.
    async fn end_both(
        &self,
        claim: &Claim,
        of: &OfResource,
        resource: &ResourceClaim,
        end: End,
    ) -> Stored<()> {
        let told = self.end_resource(of, resource, end).await;
        let ended = self.end_event(claim, end).await;
        let is_left = match &told {
            Ok(true) => false,
            // The lease has expired, so only a result is left to tell.
            Ok(false) => end.concerns(of),
            Err(_unavailable) => true,
        };
        // The result counts only if no other instance has meanwhile begun the event.
        if is_left && matches!(ended, Ok(true)) {
            return self.tell_resource(of, resource, end).await;
        }
        told.and(ended).map(drop)
    }

    /// When the history was requested for this version of a deletion, by the server's clock. `None` if the
    /// deletion is not done, or if the history gave the time of the deletion.
    pub(crate) async fn asked(&self, key: &Key) -> Stored<Option<Instant>> {
        let (now, found) = (self.now().await?, self.backend.get(&event_id(key)).await?);
        let there = read_event(found.as_ref(), now)?.filter(|there| there.is_done);
        Ok(there.and_then(|there| there.asked.as_deref().copied()))
    }

    /// Whether the event was handled, and not given up.
    pub(crate) async fn is_handled(&self, key: &Key) -> Stored<bool> {
        let (now, found) = (self.now().await?, self.backend.get(&event_id(key)).await?);
        Ok(read_event(found.as_ref(), now)?.is_some_and(|there| there.is_done && !there.is_dead))
    }

    /// How the event has ended without being begun: it was handled, if its own record counts, or a newer version of its resource
    /// was. `None` if the store does not know.
    pub(crate) async fn ended(&self, entry: &Entry, by_its_record: bool) -> Stored<Option<Begun>> {
        if by_its_record && self.is_handled(&entry.key).await? {
            return Ok(Some(Begun::Done));
        }
        let Some(of) = entry.resource.filter(|of| of.is_ordered) else { return Ok(None) };
        let (now, found) = (self.now().await?, self.backend.get(&resource_id(&of.key)).await?);
        let is_overtaken = read_resource(found.as_ref(), now)?
            .is_some_and(|there| rules::is_overtaken(there.newest, of.updated));
        Ok(is_overtaken.then_some(Begun::Superseded))
    }

    /// Whether the event was ever begun.
    pub(crate) async fn is_known(&self, key: &Key) -> Stored<bool> {
        let (now, found) = (self.now().await?, self.backend.get(&event_id(key)).await?);
        Ok(read_event(found.as_ref(), now)?.is_some())
    }

    async fn begin_event(&self, entry: &Entry, now: Millis, lease: Duration, how: How) -> Stored<Begun> {
        let (id, until) = (event_id(&entry.key), after(now, lease));
        let expires = after(until, self.retention);
        let mut found: Option<Record> = None;
        // The first put expects no record, because most events are new. If there is a record, the refusal
        // returns it.
        for _ in 0..ROUNDS {
            let there = read_event(found.as_ref(), now)?;
            let beginning = match rules::begin(there, entry, how, now, until) {
                Ok(beginning) => beginning,
                Err(refused) => {
                    if refused == Begun::Done {
                        Box::pin(self.remember(&id, found.as_ref(), now)).await;
                    }
                    return Ok(refused);
                }
            };
            let expected = found.as_ref().map(Record::revision);
            let next = Record::new(Some(expires), Body::Event(beginning.record.clone()));
            let put = match self.backend.put(&id, expected, Some(&next)).await {
                Ok(put) => put,
                Err(unavailable) => {
                    if !beginning.is_exhausted {
                        let taken_back = self.take_back(&id, &next, &beginning, entry.identity);
                        drop(tokio::time::timeout(TO_TAKE_BACK, Box::pin(taken_back)).await);
                    }
                    return Err(unavailable);
                }
            };
            match put {
                Put::Done => return Ok(claim(entry, &next, beginning)),
                // The answer to the put was lost, and the backend repeated the call.
                Put::Refused(Some(there)) if there.revision == next.revision => {
                    return Ok(claim(entry, &next, beginning));
                }
                Put::Refused(there) => found = there,
            }
        }
        // Other instances keep changing the record, so they are handling the event.
        Ok(Begun::UnderWay)
    }

    /// Keeps the record of a done event for longer if the event comes again, and the record expires soon. Otherwise a
    /// sweep that cannot move its watermark, or that has a long overlap, would handle the event again. If this fails, the
    /// next report tries again.
    async fn remember(&self, id: &RecordId, found: Option<&Record>, now: Millis) {
        let Some(record) = found else { return };
        if record.expires.is_some_and(|expires| expires < after(now, self.retention / 2)) {
            // The content is the same, and so is the revision.
            let next = Record { expires: Some(after(now, self.retention)), ..record.clone() };
            drop(self.backend.put(id, Some(record.revision), Some(&next)).await);
        }
    }

    /// Frees an event whose beginning was perhaps written although the call failed: nothing runs, so it is no try.
    /// Otherwise the event waits until its lease has run out, and counts as one that killed its instance.
    async fn take_back(&self, id: &RecordId, begun: &Record, beginning: &Beginning, identity: Identity) {
        let untried = rules::end(&beginning.record, beginning.died, identity, End::Untried)
            .map(|record| Record::new(begun.expires, Body::Event(record)));
        drop(self.backend.put(id, Some(begun.revision), untried.as_ref()).await);
    }

    /// Ends an event. Returns false, without an effect, if another instance has the event.
    async fn end_event(&self, claim: &Claim, end: End) -> Stored<bool> {
        let now = self.now().await?;
        if claim.expires <= now {
            return Ok(false);
        }
        let next = rules::end(&claim.record, claim.died, claim.entry.identity, end)
            .map(|record| Record::new(Some(after(now, self.retention)), Body::Event(record)));
        let put = self.backend.put(&event_id(&claim.entry.key), Some(claim.token), next.as_ref()).await?;
        Ok(match put {
            Put::Done => true,
            // The answer was lost, and the call was repeated.
            Put::Refused(there) => there.map(|there| there.revision) == next.map(|next| next.revision),
        })
    }

    /// Takes the lease on a resource whose events are handled one after the other. So if an event has two names,
    /// and thus two records, only one of them is under way. An error says how the event ends instead: as it ended under another
    /// name, so that the next report need not look at the resource, or without a try.
    async fn begin_resource(
        &self,
        of: &OfResource,
        mut found: Option<Record>,
        now: Millis,
        lease: Duration,
        how: How,
    ) -> Stored<Result<ResourceClaim, (Begun, End)>> {
        let (id, until) = (resource_id(&of.key), after(now, lease));
        let shown = now.saturating_sub(millis_of(how.age));
        for _ in 0..ROUNDS {
            let there = read_resource(found.as_ref(), now)?;
            if let Some(end) = there.and_then(|there| rules::ended_otherwise(there, of, how.is_again)) {
                return Ok(Err((Begun::Done, end)));
            }
            let record = match rules::begin_resource(there, of, how, now, until) {
                Ok(record) => record,
                Err(Begun::Superseded) => return Ok(Err((Begun::Superseded, End::Done))),
                Err(refused) => return Ok(Err((refused, End::Untried))),
            };
            let expected = found.as_ref().map(Record::revision);
            let next = self.resource(record.clone(), until);
            let put = match self.backend.put(&id, expected, Some(&next)).await {
                Ok(put) => put,
                Err(unavailable) => {
                    let before = there.map(|there| ResourceRecord { lease: None, ..there.clone() });
                    let before = before.map(|before| self.resource(before, now));
                    // The lease was perhaps written although the call failed, and nothing runs.
                    let taking_back = self.backend.put(&id, Some(next.revision), before.as_ref());
                    drop(tokio::time::timeout(TO_TAKE_BACK, taking_back).await);
                    return Err(unavailable);
                }
            };
            match put {
                Put::Done => {
                    return Ok(Ok(ResourceClaim { shown, revision: next.revision, record }));
                }
                Put::Refused(Some(there)) if there.revision == next.revision => {
                    return Ok(Ok(ResourceClaim { shown, revision: next.revision, record }));
                }
                Put::Refused(there) => found = there,
            }
        }
        Ok(Err((Begun::UnderWay, End::Untried)))
    }

    /// Gives back the lease on a resource, and adds the result to its record. Returns false if the record was
    /// written since the lease was taken, usually by another instance after the lease expired.
    async fn end_resource(&self, of: &OfResource, claim: &ResourceClaim, end: End) -> Stored<bool> {
        let (id, now) = (resource_id(&of.key), self.now().await?);
        let next = self.resource(rules::end_resource(&claim.record, of, end, claim.shown), now);
        let put = || self.backend.put(&id, Some(claim.revision), Some(&next));
        let put = match put().await {
            Ok(put) => put,
            // The record should be written before the event is ended, so one more call is worth its time.
            Err(_unavailable) => put().await?,
        };
        Ok(match put {
            Put::Done => true,
            Put::Refused(there) => there.is_some_and(|there| there.revision == next.revision),
        })
    }

    /// Adds the result to the record of a resource, whose lease may be another's by now. If the lease is still
    /// our own, gives it back.
    async fn tell_resource(&self, of: &OfResource, claim: &ResourceClaim, end: End) -> Stored<()> {
        let (id, now) = (resource_id(&of.key), self.now().await?);
        let mut found = self.backend.get(&id).await?;
        for _ in 0..ROUNDS {
            let is_own = found.as_ref().is_some_and(|found| found.revision == claim.revision);
            if !is_own && !end.concerns(of) {
                return Ok(());
            }
            let there = read_resource(found.as_ref(), now)?.cloned().unwrap_or_default();
            let mut next = rules::end_resource(&there, of, end, claim.shown);
            if !is_own {
                (next.lease, next.is_deleted) = (there.lease, next.is_deleted || there.is_deleted);
            }
            let next = self.resource(next, now);
            let expected = found.as_ref().map(Record::revision);
            match self.backend.put(&id, expected, Some(&next)).await? {
                Put::Done => return Ok(()),
                Put::Refused(Some(there)) if there.revision == next.revision => return Ok(()),
                Put::Refused(there) => found = there,
            }
        }
        Err(Unavailable::new("other instances kept changing the record of the resource"))
    }

    fn resource(&self, record: ResourceRecord, from: Millis) -> Record {
        Record::new(Some(after(from, self.retention)), Body::Resource(Box::new(record)))
    }
}

fn claim(entry: &Entry, put: &Record, beginning: Beginning) -> Begun {
    let Beginning { record, died, is_exhausted } = beginning;
    let (token, tries, expires) = (put.revision, record.tries, put.expires.unwrap_or(Millis::MAX));
    let claim = Claim { entry: entry.clone(), token, tries, record, died, expires, resource: None };
    let claim = Box::new(claim);
    if is_exhausted { Begun::Exhausted(claim) } else { Begun::Fresh(claim) }
}

pub(super) fn event_id(key: &Key) -> RecordId {
    RecordId { kind: RecordKind::Event, key: *key }
}

fn resource_id(key: &Key) -> RecordId {
    RecordId { kind: RecordKind::Resource, key: *key }
}

/// The record of an event; `None` if it has expired.
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
