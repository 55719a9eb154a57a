//! Sweeps the events of a topic by their numbers: `$status` says how many there were, and `$events` returns
//! them.
//!
//! A counter may restart, as the counters of HAPI and Helios do whenever the server restarts, and it may pass
//! the last number before the next sweep. So the sweep keeps the time of the last event, or a hash of its
//! resource's name, and asks for that event again. If another event has the number now, the sweep takes all
//! events from number 1 on. If the server does not have the event any more, or gives no time, a search finds
//! what the numbers do not show. If no search is possible, the sweep takes all events that the server still
//! has. If `$events` fails, a search finds the resources in this sweep, and the next sweep asks for the events
//! again.

use std::collections::HashMap;
use std::time::Instant as Moment;

use serde_json::value::RawValue;

use super::handling::is_settled;
use super::{Stop, Sweep};
use crate::declaration::{Content, Trust};
use crate::decode::Happened;
use crate::delivery::look_up;
use crate::delivery::query::{self, Queried, query};
use crate::delivery::{Deletion, Delivered, End, Ended, deliver_unless_suspect, is_unreadable, latest};
use crate::fhir::Instant;
use crate::memory::{Name, Range};
use crate::registration::ask_counter;

/// How many events are requested at once.
const AT_ONCE: u64 = 50;

const FAILED: &str = "asking for the events (`$events`) failed: the next sweep asks again";

/// Finds and handles the events of the Subscription. Returns whether these are all events: a search must find
/// the events that the server does not have or does not name, or that it fails to show.
pub(super) async fn sweep(sweep: &mut Sweep<'_>, id: &str) -> Result<bool, Stop> {
    let subscription = format!("Subscription/{id}");
    // If the server hangs, the search still needs time.
    let stop = sweep.run.stop;
    // A search may have to follow.
    let stop = if sweep.question().is_some() { stop.sooner_by_half() } else { stop };
    let client = sweep.registration_client().with_deadline(stop);
    let count = match ask_counter(&client, id).await {
        Ok(Some(count)) => count,
        // Nothing else finds these events.
        Err(error) if sweep.question().is_none() => {
            return Err(sweep.stop("asking for the number of events (`$status`)", &error));
        }
        Ok(None) | Err(_) => return Ok(false),
    };
    let state = sweep.lease.state();
    let is_same = state.subscription.as_deref() == Some(&subscription);
    let mut walk = Walk {
        subscription,
        count,
        start: state.start.as_deref().and_then(Instant::parse),
        began: u64::MAX,
        is_settled: true,
        is_done: true,
        newest: None,
        is_whole: true,
        needs_resource: sweep.declaration.needs_resource(),
        has_answered: false,
        marks: HashMap::new(),
    };
    let known = state.number;
    let last = known.filter(|last| is_same && *last <= count);
    let epoch = match (known, last) {
        (None, _) | (Some(_), Some(0)) => Epoch::Unknown,
        (Some(_), None) => Epoch::Other,
        (Some(_), Some(last)) => walk.epoch(sweep, id, last).await?,
    };
    if sweep.failure.is_some() {
        return Ok(false);
    }
    if epoch == Epoch::Other {
        sweep.row.note("the server has restarted its count of the Subscription's events".into());
        let state = sweep.lease.state_mut();
        (state.number_awaited, state.number_began) = (None, None);
    }
    // A sweep with `since` forgets the number, and keeps how many events there were at the first sweep.
    let began = sweep.lease.state().number_began;
    let is_forgotten = known.is_none() && is_same && began.is_some_and(|began| began <= count);
    if known.is_none() && !is_forgotten {
        sweep.lease.state_mut().number_began = Some(count);
    }
    // Without a known event, nothing says whether the counter has restarted since the last sweep, or since the
    // Subscription was created. If the server can be searched, a search finds what was lost.
    let is_first = known.is_none() || last == Some(0);
    let is_searchable = sweep.question().is_some();
    if !is_searchable && sweep.lease.state().is_search_owed {
        // An earlier version of the program searched for such events.
        let state = sweep.lease.state_mut();
        state.owe_no_search();
        (state.round, state.deletions_round) = (None, None);
    }
    let state = sweep.lease.state();
    let (was_owed, was_optional) = (state.is_search_owed, state.is_search_optional);
    // If this sweep does not come to its end, the next one must know that no event is known to be lost.
    let is_optional = if is_first { !was_owed || was_optional } else { epoch == Epoch::Same && was_optional };
    sweep.lease.state_mut().is_search_optional = is_optional && is_searchable;
    // These events happened since the last sweep, whatever the server's clock says: it may have been put back.
    let is_known_anew = epoch != Epoch::Unknown || last == Some(0);
    if is_forgotten || is_same && known.is_some() && is_known_anew {
        match sweep.lease.state().number_began {
            Some(began) => walk.began = began,
            None => walk.start = None,
        }
    }
    // A counter that has restarted says nothing about the events before.
    walk.found_all(sweep, epoch == Epoch::Same || (is_first && !is_searchable));
    // If events have neither a name nor a time, nothing tells whether they were handled: to take all of them again would handle
    // all of them again.
    let names_nothing = sweep.declaration.content == Content::Empty && !walk.needs_resource;
    let is_told_apart = !names_nothing || sweep.lease.state().number_mark.is_some();
    let is_unknown = epoch == Epoch::Unknown && sweep.question().is_none();
    let is_lost = epoch == Epoch::Other || (is_unknown && is_told_apart);
    let last = last.filter(|_| !is_lost).unwrap_or(0);
    // An event that can never be read holds the number. The events behind it must not wait for more time than a sweep has.
    let reached = sweep.lease.state().number_reached.filter(|reached| (last + 1..count).contains(reached));
    sweep.lease.state_mut().number_reached = reached;
    if let Some(reached) = reached {
        walk.is_settled = false;
        if !walk.all(sweep, id, reached + 1..=count).await? {
            return Ok(false);
        }
        walk.is_settled = true;
    }
    if !walk.all(sweep, id, last + 1..=reached.unwrap_or(count)).await? {
        return Ok(false);
    }
    if walk.is_settled && !is_searchable {
        let state = sweep.lease.state_mut();
        (state.search_owed_since, state.number_awaited) = (None, None);
    }
    let there = sweep.there();
    let (state, newest) = (sweep.lease.state_mut(), walk.newest.map(|newest| newest.min(there)));
    // If the server loses its events, a search continues from there. A search that is owed begins before.
    let is_all = walk.is_done && reached.is_none() && walk.is_whole && !state.is_search_owed;
    state.number_reached = None;
    (sweep.row.is_all_done, sweep.row.has_counted) = (is_all, true);
    if is_all && newest > state.watermark.as_deref().and_then(Instant::parse) {
        state.watermark = newest.map(|newest| newest.to_string());
    }
    if count == 0 {
        (state.number, state.number_mark, state.subscription) = (Some(0), None, Some(walk.subscription));
    }
    let is_search_owed = state.is_search_owed;
    state.is_search_optional &= is_first || walk.is_whole;
    sweep.may_do_without_search = state.is_search_optional;
    sweep.lease.save().await?;
    Ok(walk.is_whole && !is_search_owed)
}

/// Whether a number still names the same event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Epoch {
    Same,
    /// The counter has restarted.
    Other,
    Unknown,
}

struct Walk {
    subscription: String,
    /// How many events the server has counted.
    count: u64,
    /// Events before this moment are ignored, if their numbers are not above `began`.
    start: Option<Instant>,
    began: u64,
    /// Whether all events so far are settled.
    is_settled: bool,
    /// The same, but a read that may have shown an older version counts too. It holds the number only: such an event is younger
    /// than the overlap, so a search from the watermark finds the resource.
    is_done: bool,
    /// When the newest event happened.
    newest: Option<Instant>,
    /// Whether the server had all events.
    is_whole: bool,
    needs_resource: bool,
    /// Whether the server has answered to a question for events in this sweep.
    has_answered: bool,
    /// For each requested number, the mark that distinguishes its event from others with that number.
    marks: HashMap<u64, String>,
}

impl Walk {
    /// Whether the last number still names the same event.
    async fn epoch(&mut self, sweep: &mut Sweep<'_>, id: &str, last: u64) -> Result<Epoch, Stop> {
        let known = sweep.lease.state().number_mark.clone();
        let numbers = last..=last;
        let Some(answer) = self.ask(sweep, id, &numbers).await? else { return Ok(Epoch::Unknown) };
        let name = Name { endpoint: sweep.declaration.endpoint, subscription: Some(&self.subscription) };
        let events = query::events(sweep.run.app, sweep.declaration, &answer, name, &numbers);
        let (Some(known), Some(mark)) = (known, events.first().and_then(|event| mark(sweep, event))) else {
            // An earlier version of the program saved no mark, or the server does not have the event any
            // more.
            return Ok(Epoch::Unknown);
        };
        Ok(match (Instant::parse(&known), Instant::parse(&mark)) {
            (Some(was), Some(is)) if was == is => Epoch::Same,
            (Some(_), Some(_)) => Epoch::Other,
            (None, None) if known != mark => Epoch::Other,
            // Without a time, two consecutive events about one resource look the same.
            _ => Epoch::Unknown,
        })
    }

    /// Asks for the events with these numbers. `None` if the server has no such operation, or fails and can be
    /// searched: then this sweep searches, and has a failure to report. The next sweep asks for the events again, so it owes no
    /// search.
    async fn ask(
        &mut self,
        sweep: &mut Sweep<'_>,
        id: &str,
        numbers: &Range,
    ) -> Result<Option<Box<RawValue>>, Stop> {
        let (run, declaration) = (sweep.run, sweep.declaration);
        let is_searchable = sweep.question().is_some();
        // If the server hangs, the search still needs time. A server that answers only takes long.
        let is_unsure = is_searchable && !self.has_answered;
        let deadline = if is_unsure { run.stop.sooner_by_half() } else { run.stop };
        let asking = query(run.app, declaration, id, numbers, deadline);
        match sweep.lease.during(asking).await {
            Queried::Answered(answer) => {
                self.has_answered = true;
                Ok(Some(answer))
            }
            Queried::Unknown => Ok(None),
            Queried::Failed(_) if run.stop.has_passed() => Err(Stop::OutOfTime),
            Queried::Failed(_) if is_searchable => {
                sweep.failure = Some(FAILED);
                Ok(None)
            }
            Queried::Failed(_) => Err(Stop::Failed(FAILED.into())),
        }
    }

    /// Records whether the server had all requested events. If it had not, and a search is possible, a search
    /// must find the others.
    fn found_all(&mut self, sweep: &mut Sweep<'_>, has_all: bool) {
        self.is_whole &= has_all;
        if !has_all && sweep.question().is_some() {
            let now = sweep.here();
            sweep.lease.state_mut().owe_search(now);
        }
    }

    /// Handles the events with these numbers, as many as there is time for. Returns false if the server has no such
    /// operation, or fails.
    async fn all(&mut self, sweep: &mut Sweep<'_>, id: &str, numbers: Range) -> Result<bool, Stop> {
        let mut first = *numbers.start();
        while first <= *numbers.end() {
            sweep.in_time()?;
            let some = first..=(first + AT_ONCE - 1).min(*numbers.end());
            first = some.end() + 1;
            if !self.range(sweep, id, &some).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Handles at most [`AT_ONCE`] events. Returns false if the server has no such operation, or fails.
    async fn range(&mut self, sweep: &mut Sweep<'_>, id: &str, numbers: &Range) -> Result<bool, Stop> {
        let (run, declaration) = (sweep.run, sweep.declaration);
        let Some(answer) = self.ask(sweep, id, numbers).await? else { return Ok(false) };
        let subscription = self.subscription.clone();
        let name = Name { endpoint: declaration.endpoint, subscription: Some(&subscription) };
        let mut events = query::events(run.app, declaration, &answer, name, numbers);
        let marks = events.iter().filter_map(|one| Some((one.event.number?, mark(sweep, one)?)));
        self.marks = marks.collect();
        // A search may find what an event does not name.
        let is_searchable = sweep.question().is_some();
        events.retain(|happened| {
            let is_unnamed = self.needs_resource && look_up::is_unnamed(happened);
            let is_to_be_found = is_unnamed || (is_searchable && is_unreadable(declaration, happened));
            !is_to_be_found
        });
        let is_lacking = |number: &u64| events.iter().all(|it| it.event.number != Some(*number));
        let lacking: Vec<_> = numbers.clone().filter(is_lacking).collect();
        // If the server lags behind, a later sweep finds it. An event that is left before it holds the number anyway.
        let mut left = if is_searchable {
            None
        } else if self.is_settled {
            lacking.iter().copied().find(|number| self.is_waited_for(sweep, *number))
        } else {
            lacking.first().copied()
        };
        sweep.row.left |= left.is_some();
        self.is_done &= left.is_none();
        self.found_all(sweep, lacking.first().copied() == left);

        let newest = events.iter().filter_map(time).max();
        events.retain(|happened| {
            happened.event.number.is_some_and(|number| number > self.began)
                || happened.event.timestamp().and_then(latest).is_none_or(|time| Some(time) >= self.start)
        });
        let is_first = sweep.is_first();
        // A time that is further ahead is of a server's clock that was wrong.
        let recent = sweep.there().before(sweep.overlap())..sweep.there().after(sweep.overlap());
        let mut reached = *numbers.end();
        for happened in events {
            let (began, number) = (Moment::now(), happened.event.number);
            let is_recent = time(&happened).is_some_and(|time| recent.contains(&time));
            let is_mistaken = happened.mistake.is_some() || is_unreadable(declaration, &happened);
            // The server is asked for the resource, or for its version.
            let is_read = happened.event.name().is_some()
                && (happened.resource.is_none() || declaration.trust == Trust::Reference);
            let version_id = happened.event.version_id().map(str::to_owned);
            let mut may_be_older = false;
            // With neither a name nor a time, only the saved number tells the next sweep that the event was handled.
            let is_behind =
                !self.is_settled || left.is_some_and(|left| number.is_some_and(|number| left < number));
            let ended = if is_behind && mark(sweep, &happened).is_none() {
                None
            } else if !run.has_time(is_first) {
                reached = number.map_or(reached, |number| reached.min(number - 1));
                None
            } else {
                let deletion = Deletion::in_answer(declaration);
                let handling = deliver_unless_suspect(run.app, declaration, deletion, happened, run.share());
                let delivered = sweep.lease.during(handling).await;
                let is_gone = matches!(&delivered, Ok(Delivered { end: End::Gone, .. }));
                // It was deleted, and exists again.
                let is_there = matches!(&delivered, Ok(Delivered { end: End::Unconfirmed, .. }));
                may_be_older = is_recent
                    && is_read
                    && matches!(&delivered, Ok(Delivered { end: End::Repeated | End::Superseded, event, .. })
                        if version_id.is_none() || event.version_id() != version_id.as_deref());
                Some(if is_recent && (is_gone || is_there) {
                    // A server that lags behind does not have the resource yet, or still has it. The next sweep asks for the
                    // event again.
                    Ended::UnderWay
                } else if is_there {
                    Ended::NothingToDo
                } else {
                    match run.ended(declaration, delivered, began) {
                        // No later sweep can handle it either.
                        Ended::Failed if is_mistaken => Ended::NothingToDo,
                        ended => ended,
                    }
                })
            };
            sweep.row.odd += u64::from(is_mistaken && ended == Some(Ended::NothingToDo));
            sweep.row.count(ended);
            self.is_done &= ended.is_some_and(is_settled);
            // A server whose reads lag behind may have shown the version before. So the number stays until the event is older than
            // the overlap, and a later sweep reads the resource once more.
            if may_be_older || !ended.is_some_and(is_settled) {
                left = [left, number].into_iter().flatten().min();
            }
        }
        if self.is_settled
            && let Some(left) = left
        {
            self.is_settled = false;
            self.keep(sweep, Some(left - 1));
        }
        if self.is_done {
            self.newest = self.newest.max(newest);
        }
        if self.is_settled {
            self.keep(sweep, Some(*numbers.end()));
        } else {
            sweep.lease.state_mut().number_reached = Some(reached);
        }
        sweep.lease.save().await?;
        Ok(true)
    }

    /// Whether to wait for an event that the server lacks, and that no search finds: until the overlap has passed since a
    /// sweep first counted it.
    fn is_waited_for(&self, sweep: &mut Sweep<'_>, number: u64) -> bool {
        let (began, overlap) = (sweep.began, sweep.overlap());
        let state = sweep.lease.state_mut();
        if state.search_owed_since.is_none() || state.number_awaited.is_none_or(|awaited| awaited < number) {
            (state.search_owed_since, state.number_awaited) = (Some(began), Some(self.count));
        }
        state.search_owed_since.is_some_and(|since| began <= since.after(overlap))
    }

    /// Saves that all events up to this number are settled.
    fn keep(&self, sweep: &mut Sweep<'_>, number: Option<u64>) {
        let state = sweep.lease.state_mut();
        if state.number != number || number.is_some_and(|number| self.marks.contains_key(&number)) {
            state.number_mark = number.and_then(|number| self.marks.get(&number)).cloned();
        }
        (state.number, state.subscription, state.has_led) = (number, Some(self.subscription.clone()), true);
    }
}

fn time(happened: &Happened<'_>) -> Option<Instant> {
    happened.event.timestamp.as_deref().and_then(Instant::parse)
}

/// A mark that distinguishes an event from another one with its number: its time, else a hash of its resource's
/// name.
fn mark(sweep: &Sweep<'_>, happened: &Happened<'_>) -> Option<String> {
    if let Some(time) = time(happened) {
        return Some(time.to_string());
    }
    let event = &happened.event;
    let parts = [
        "mark",
        &*event.name()?,
        event.version_id().unwrap_or_default(),
        event.id.as_deref().unwrap_or_default(),
    ];
    Some(sweep.run.app.keys().key(&parts).to_string())
}
