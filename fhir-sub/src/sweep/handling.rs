//! What was found is handled, as what a notification tells of is.

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

/// How many resources of a subscription are handled at a time.
const AT_A_TIME: usize = 4;

/// Whether it need not be found again.
pub(super) fn is_settled(ended: Ended) -> bool {
    matches!(ended, Ended::Handled | Ended::AlreadyHandled | Ended::NothingToDo | Ended::Dead)
}

impl Sweep<'_> {
    /// Whether little time is left, and nothing was handled yet.
    pub(super) fn is_first(&self) -> bool {
        let is_late = self.run.stop.remaining() < self.run.least;
        is_late && self.row.handled + self.row.failed + self.row.dead == 0
    }

    /// Handles what was found, some at a time, and counts it: what became of each, in their order; `None` where there was no
    /// time.
    pub(super) async fn handle(&mut self, found: Vec<Changed>) -> Vec<Option<Ended>> {
        let (run, declaration, client, is_first) =
            (self.run, self.declaration, &self.client, self.is_first());
        let work = found.into_iter().map(|changed| -> BoxFuture<'_, _> {
            Box::pin(one(run, declaration, client, is_first, changed))
        });
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
    client: &FhirClient,
    is_first: bool,
    changed: Changed,
) -> Option<Ended> {
    if !run.has_time(is_first) {
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
    /// Whether there is time to handle something. What a sweep finds first, and late, may take all that there is: a server whose
    /// pages take most of the time would otherwise have none of them handled.
    pub(super) fn has_time(&self, is_first: bool) -> bool {
        !self.stop.has_passed() && (is_first || self.stop.remaining() >= self.least)
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
            Record::of(delivered).write(self.app, began.elapsed(), self.request_id);
        }
        ended
    }
}
