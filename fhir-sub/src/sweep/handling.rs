//! Handles what a sweep found, like the events of a notification.

use std::time::Instant as Moment;

use futures_core::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};

use super::{Run, Sweep, TO_HANDLE};
use crate::deadline::Deadline;
use crate::declaration::Declaration;
use crate::delivery::changed::Changed;
use crate::delivery::{Deferred, Delivered, Ended, Record, Time, deliver_found};
use crate::incoming::Way;

/// How many resources of a subscription are handled at the same time.
const AT_A_TIME: usize = 4;

/// Whether the next sweep need not find it again.
pub(super) fn is_settled(ended: Ended) -> bool {
    matches!(ended, Ended::Handled | Ended::AlreadyHandled | Ended::NothingToDo | Ended::Dead)
}

impl Sweep<'_> {
    /// Whether little time is left, and nothing was handled yet.
    pub(super) fn is_first(&self) -> bool {
        let is_late = self.run.stop.remaining() < self.run.least;
        is_late && self.row.handled + self.row.failed + self.row.dead == 0
    }

    /// Handles what was found, several at the same time, and counts it. Returns the end of each, in order;
    /// `None` if there was no time.
    pub(super) async fn handle(&mut self, found: Vec<Changed>) -> Vec<Option<Ended>> {
        let (run, declaration, is_first) = (self.run, self.declaration, self.is_first());
        let work = found
            .into_iter()
            .map(|changed| -> BoxFuture<'_, _> { Box::pin(one(run, declaration, is_first, changed)) });
        let work: Vec<_> = work.collect();
        let ends = futures_util::stream::iter(work).buffered(AT_A_TIME).collect::<Vec<_>>();
        let ends = self.lease.during(ends).await;
        ends.iter().for_each(|ended| self.row.count(*ended));
        ends
    }
}

async fn one(
    run: &Run<'_>,
    declaration: &'static Declaration,
    is_first: bool,
    Changed { json, event, .. }: Changed,
) -> Option<Ended> {
    if !run.has_time(is_first) {
        return None;
    }
    let began = Moment::now();
    let delivered = deliver_found(run.app, declaration, event, json, Way::default(), run.share()).await;
    Some(run.ended(declaration, delivered, began))
}

impl Run<'_> {
    /// Whether there is time to handle something. If the sweep finds the first resource late, that resource
    /// may take all the time that is left. Otherwise a server with slow pages would never have a resource
    /// handled.
    ///
    /// Events that are left for the end of the sweep need their time too.
    pub(super) fn has_time(&self, is_first: bool) -> bool {
        let least = if self.suspects.is_empty() { self.least } else { self.least * 2 };
        !self.is_stopped() && !self.stop.has_passed() && (is_first || self.stop.remaining() >= least)
    }

    /// Whether the program is told to stop.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.is_some_and(|stopped| stopped.clone().now_or_never().is_some())
    }

    /// When one of several must have ended: it may take as long as a notification, but not all the time. Otherwise, one event that
    /// hangs would keep all others waiting in each sweep.
    pub(super) fn share(&self) -> Time {
        let half = self.stop.sooner_by_half().max(Deadline::after(TO_HANDLE * 2));
        // A sweep may take longer than an event.
        self.time.ending_at(half.min(self.stop).min(self.app.deadline_without_caller()))
    }

    /// How the delivery ended. An event that has killed an instance is left for the end of the sweep.
    pub(super) fn ended(
        &self,
        declaration: &'static Declaration,
        delivered: Result<Delivered, Box<Deferred<'static>>>,
        began: Moment,
    ) -> Ended {
        match delivered {
            Ok(delivered) => self.tell(delivered, began),
            Err(deferred) => {
                self.suspects.add(declaration, deferred);
                Ended::UnderWay
            }
        }
    }

    /// Writes the log line, unless the event was handled before. Returns how it ended.
    pub(super) fn tell(&self, delivered: Delivered, began: Moment) -> Ended {
        let ended = delivered.ended();
        if ended != Ended::AlreadyHandled {
            Record::of(delivered).write(self.app, began.elapsed(), self.request_id);
        }
        ended
    }
}
