//! What was found is handled, as what a notification tells of is.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Instant as Moment;

use futures_core::future::BoxFuture;
use futures_util::StreamExt;

use super::interaction::interaction;
use super::{Run, Sweep, TO_HANDLE};
use crate::client::FhirClient;
use crate::deadline::Deadline;
use crate::declaration::Declaration;
use crate::delivery::changed::Changed;
use crate::delivery::{Delivered, End, Ended, Failure, Record, Time, deliver_found};
use crate::fhir::Instant;
use crate::memory::Version;

/// How many resources of a subscription are handled at a time.
const AT_A_TIME: usize = 4;

/// What is still to be done, and so is to be found again by the next sweep.
#[derive(Debug, Default)]
pub(super) struct Unsettled {
    oldest: Option<Instant>,
    /// Of one it is not known when it was changed.
    is_anywhere: bool,
}

impl Unsettled {
    /// Takes in what became of a resource that was changed at that time; `None` where there was no time for it.
    pub(super) fn add(&mut self, updated: Option<Instant>, ended: Option<Ended>) {
        if is_settled(ended) {
            return;
        }
        match updated {
            Some(updated) => {
                self.oldest = Some(self.oldest.map_or(updated, |oldest| oldest.min(updated)));
            }
            None => self.is_anywhere = true,
        }
    }

    /// How far everything is settled, of what was looked at up to `seen`.
    pub(super) fn settled(&self, seen: Instant) -> Option<Instant> {
        let settled = self.oldest.map_or(seen, |oldest| oldest.min(seen));
        (!self.is_anywhere).then_some(settled)
    }
}

/// Whether it need not be found again.
pub(super) fn is_settled(ended: Option<Ended>) -> bool {
    matches!(ended, Some(Ended::Handled | Ended::AlreadyHandled | Ended::NothingToDo | Ended::Dead))
}

/// Which versions a sweep has looked at.
#[derive(Default)]
pub(super) struct Seen {
    versions: HashMap<u64, Option<Instant>>,
    hasher: RandomState,
}

/// The most versions that are remembered. Of more, the store knows what was handled.
const MAXIMUM: usize = 100_000;

impl Seen {
    /// Whether it was not seen before.
    pub(super) fn add(&mut self, version: &Version, updated: Option<Instant>) -> bool {
        let hash = self.hasher.hash_one(version);
        if self.versions.len() >= MAXIMUM {
            return !self.versions.contains_key(&hash);
        }
        self.versions.insert(hash, updated).is_none()
    }

    /// Forgets what is not found any more by a search from `from` on.
    pub(super) fn forget_before(&mut self, from: Instant) {
        self.versions.retain(|_, updated| updated.is_none_or(|updated| updated >= from));
    }
}

impl Sweep<'_> {
    /// Handles what was found, some at a time, and counts it: what became of each, in their order.
    pub(super) async fn handle(&mut self, found: Vec<Changed>, unsettled: &mut Unsettled) {
        let (run, declaration, client) = (self.run, self.declaration, &self.client);
        let times: Vec<_> = found.iter().map(|changed| changed.updated).collect();
        let work = found
            .into_iter()
            .map(|changed| -> BoxFuture<'_, _> { Box::pin(one(run, declaration, client, changed)) });
        let work: Vec<_> = work.collect();
        let ends = futures_util::stream::iter(work).buffered(AT_A_TIME).collect::<Vec<_>>();
        let ends = self.lease.during(ends).await;
        for (updated, ended) in times.into_iter().zip(ends) {
            self.row.count(ended);
            unsettled.add(updated, ended);
        }
    }
}

async fn one(
    run: &Run<'_>,
    declaration: &'static Declaration,
    client: &FhirClient,
    changed: Changed,
) -> Option<Ended> {
    if !run.has_time() {
        return None;
    }
    let (began, Changed { json, mut event, version, .. }) = (Moment::now(), changed);
    match interaction(client, declaration, version.as_ref()).await {
        Ok(interaction) => event.interaction = interaction,
        Err(error) => {
            let end = End::Unread(Failure::of_reading(&error));
            return Some(run.tell(Delivered::new(declaration.endpoint, event, end), began));
        }
    }
    let delivered = deliver_found(run.app, declaration, event, json, run.share()).await;
    Some(run.tell(delivered, began))
}

impl Run<'_> {
    /// Whether there is time to handle something.
    pub(super) fn has_time(&self) -> bool {
        !self.stop.has_passed() && self.stop.remaining() >= self.least
    }

    /// When one of several must have ended: it may take as long as a notification, and not all of the time.
    pub(super) fn share(&self) -> Time {
        let half = self.stop.sooner_by_half().max(Deadline::after(TO_HANDLE * 2));
        self.time.no_later_than(half.min(self.stop).min(self.app.deadline(None)))
    }

    /// Writes the log line of what was found, but for what was handled before; what became of it.
    pub(super) fn tell(&self, delivered: Delivered, began: Moment) -> Ended {
        let ended = delivered.ended();
        if ended != Ended::AlreadyHandled {
            Record::of(delivered).write(self.app.settings().log, began.elapsed(), self.request_id);
        }
        ended
    }
}
