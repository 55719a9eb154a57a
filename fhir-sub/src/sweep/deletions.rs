//! Sweeps deletions by the history of the type, because a search does not find deleted resources. Medplum has
//! no such history, and lists deleted resources with `_deleted=true`.
//!
//! The history has every change of every resource of the type, newest first. It does not show the content
//! before a deletion, so a deletion is handled whether or not the resource matched the criteria. A deletion
//! with a later version after it is skipped: the search finds the current resource. New versions appear at
//! the beginning of the history, so places in it only move back, and one pass sees everything. If time runs
//! out, the next sweep continues the pass.

mod history;

use std::time::Instant as Moment;

use self::history::by_history;
use super::handling::is_settled;
use super::walk::{What, walk};
use super::{Stop, Sweep};
use crate::deadline::Deadline;
use crate::decode::Happened;
use crate::delivery::changed::{Changed, Question};
use crate::delivery::{Deletion, Delivered, End, Ended, deliver_unless_suspect};
use crate::event::Event;
use crate::interaction::Interaction;

/// Finds and handles deletions.
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

/// Handles the results of a search for deletions. Returns the end of each, in order; `None` if there was no
/// time.
pub(super) async fn handle(sweep: &mut Sweep<'_>, found: Vec<Changed>, stop: Deadline) -> Vec<Option<Ended>> {
    let (is_first, mut ends) = (sweep.is_first(), Vec::with_capacity(found.len()));
    for changed in found {
        // The result has the time of the deletion, but no version.
        ends.push(
            one(sweep, Event { version_id: None, updated: changed.updated, ..changed.event }, is_first, stop)
                .await,
        );
    }
    ends
}

/// Handles one deletion. If the resource exists again, it is not deleted, and the search finds it if the
/// handler wants it.
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
    sweep.leaves_deletion |= !ended.is_some_and(is_settled);
    sweep.row.count(ended);
    ended
}
