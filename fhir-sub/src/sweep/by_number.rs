//! The events of a topic by their numbers: `$status` says how many there were, and `$events` has them.

use std::time::Instant as Moment;

use super::handling::is_settled;
use super::{Stop, Sweep};
use crate::decode::Happened;
use crate::delivery::look_up;
use crate::delivery::query::{self, Queried, query};
use crate::delivery::{Deletion, deliver};
use crate::fhir::Instant;
use crate::memory::{Name, Range};
use crate::registration::counter;

/// How many events are asked for at once.
const AT_ONCE: u64 = 50;

/// Finds and handles the events of the Subscription; whether that were all of them. Those that the server does not have,
/// or does not name, are to be searched for.
pub(super) async fn sweep(sweep: &mut Sweep<'_>, id: &str) -> Result<bool, Stop> {
    let subscription = format!("Subscription/{id}");
    let Some(count) = counter(&sweep.registration_client(), id).await else { return Ok(false) };
    let state = sweep.lease.state();
    let is_same = state.subscription.as_deref() == Some(&subscription);
    let last = state.number.filter(|last| is_same && *last <= count);
    let mut walk = Walk {
        subscription,
        start: state.start.as_deref().and_then(Instant::parse),
        is_settled: true,
        newest: None,
        // A counter that has begun anew does not say what was before.
        is_whole: last.is_some() || state.number.is_none(),
        needs_resource: sweep.declaration.needs_resource(),
    };
    let mut last = last.unwrap_or(0);
    while last < count {
        sweep.in_time()?;
        let numbers = last + 1..=count.min(last + AT_ONCE);
        last = *numbers.end();
        if !walk.range(sweep, id, &numbers).await? {
            return Ok(false);
        }
    }
    let (state, newest) = (sweep.lease.state_mut(), walk.newest);
    // From there a search goes on, should the server not have its events any more.
    if walk.is_settled && walk.is_whole && newest > state.watermark.as_deref().and_then(Instant::parse) {
        state.watermark = newest.map(|newest| newest.to_string());
    }
    if count == 0 {
        (state.number, state.subscription) = (Some(0), Some(walk.subscription));
    }
    sweep.lease.save().await?;
    Ok(walk.is_whole)
}

struct Walk {
    subscription: String,
    /// What happened before is not looked at.
    start: Option<Instant>,
    /// Whether everything so far is settled.
    is_settled: bool,
    /// When the newest of the events happened.
    newest: Option<Instant>,
    /// Whether the server has had all events.
    is_whole: bool,
    needs_resource: bool,
}

impl Walk {
    /// Handles the events of these numbers; false where the server has no such operation.
    async fn range(&mut self, sweep: &mut Sweep<'_>, id: &str, numbers: &Range) -> Result<bool, Stop> {
        let (run, declaration) = (sweep.run, sweep.declaration);
        let asking = query(run.app, declaration, id, numbers, run.stop);
        let answer = match sweep.lease.during(asking).await {
            Queried::Answered(answer) => answer,
            Queried::Unknown => return Ok(false),
            Queried::Failed(_) if run.stop.has_passed() => return Err(Stop::OutOfTime),
            Queried::Failed(_) => return Err(Stop::Failed("asking for the events failed".into())),
        };
        let name = Name { endpoint: declaration.endpoint, subscription: Some(&self.subscription) };
        let mut events = query::events(&answer, name, numbers);
        if self.needs_resource {
            events.retain(|happened| !look_up::is_unnamed(happened));
        }
        self.is_whole &= events.len() as u64 == numbers.end() - numbers.start() + 1;

        let newest = events.iter().filter_map(time).max();
        events.retain(|happened| time(happened).is_none_or(|time| Some(time) >= self.start));
        for happened in events {
            let (began, number) = (Moment::now(), happened.event.number);
            let ended = if !run.has_time() {
                None
            } else {
                let deletion = Deletion::in_answer(declaration);
                let handling = deliver(run.app, declaration, deletion, vec![happened], run.share());
                let delivered = sweep.lease.during(handling).await;
                delivered.into_iter().next().map(|delivered| run.tell(delivered, began))
            };
            sweep.row.count(ended);
            if !is_settled(ended) && self.is_settled {
                self.is_settled = false;
                self.keep(sweep, number.map(|number| number - 1));
            }
        }
        if self.is_settled {
            self.newest = self.newest.max(newest);
            self.keep(sweep, Some(*numbers.end()));
        }
        sweep.lease.save().await?;
        Ok(true)
    }

    /// All events up to this number are settled.
    fn keep(&self, sweep: &mut Sweep<'_>, number: Option<u64>) {
        let state = sweep.lease.state_mut();
        (state.number, state.subscription) = (number, Some(self.subscription.clone()));
    }
}

fn time(happened: &Happened<'_>) -> Option<Instant> {
    happened.event.timestamp.as_deref().and_then(Instant::parse)
}
