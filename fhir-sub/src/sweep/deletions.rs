//! Deletions, by the history of the type: a search does not find what is not there. Medplum has no such history, and lists
//! what was deleted by `_deleted=true`.
//!
//! The history has every change of every resource of the type, the newest first, and nothing of what was there before: a
//! deletion is handled whether or not the resource matched the criteria. One that was followed by another version is
//! not: what is there now is found by the search. New versions come in at its beginning, so that its places only ever move
//! back, and one pass sees all; it goes on in the next sweep where the time of one is not enough.

mod history;

use std::time::Instant as Moment;

use self::history::by_history;
use super::walk::{What, walk};
use super::{Stop, Sweep};
use crate::deadline::Deadline;
use crate::decode::Happened;
use crate::delivery::changed::{Changed, Question};
use crate::delivery::{Deletion, Delivered, End, Ended, deliver_unless_suspect};
use crate::event::Event;
use crate::interaction::Interaction;

/// Finds and handles what was deleted.
pub(super) async fn sweep(sweep: &mut Sweep<'_>, question: &Question, stop: Deadline) -> Result<(), Stop> {
    let resource_type = &*question.resource_type;
    let Some(refusal) = by_history(sweep, resource_type, stop).await? else { return Ok(()) };
    let deleted = Question::of_deleted(resource_type);
    match walk(sweep, &deleted, What::Deleted, stop).await {
        Err(Stop::Unable(other)) => {
            sweep.row.note(format!(
                "deletions are not found: the server refuses the history of the type ({refusal}) and a search for what was \
                 deleted ({other})"
            ));
            Ok(())
        }
        ended => ended,
    }
}

/// Handles what a search for deletions has found: what became of each, in their order; `None` where there was no time.
pub(super) async fn handle(sweep: &mut Sweep<'_>, found: Vec<Changed>, stop: Deadline) -> Vec<Option<Ended>> {
    let (is_first, mut ends) = (sweep.is_first(), Vec::with_capacity(found.len()));
    for changed in found {
        // It shows when a resource was deleted, and no version.
        ends.push(
            one(sweep, Event { version_id: None, updated: changed.updated, ..changed.event }, is_first, stop)
                .await,
        );
    }
    ends
}

/// Handles one deletion. What is there again by now is not deleted, and found by the search if it is for the handler.
async fn one(sweep: &mut Sweep<'_>, event: Event, is_first: bool, stop: Deadline) -> Option<Ended> {
    let (run, declaration, began) = (sweep.run, sweep.declaration, Moment::now());
    let event = Event { interaction: Interaction::Delete, ..event };
    let ended = if stop.has_passed() || !run.has_time(is_first) {
        None
    } else {
        let happened = Happened::new(event, None);
        let handling =
            deliver_unless_suspect(run.app, declaration, Deletion::Confirmed, happened, run.share());
        let delivered = sweep.lease.during(handling).await;
        let is_there = matches!(&delivered, Ok(Delivered { end: End::Unconfirmed, .. }));
        Some(if is_there { Ended::NothingToDo } else { run.ended(declaration, delivered, began) })
    };
    sweep.row.count(ended);
    ended
}
