//! What an empty notification means: it says that something has happened, and not to what. So may an event of a
//! subscription that asked for more.
//!
//! Whoever handles it without the resource gets the event as it is. For a handler that is made from the resource it is
//! looked up: the events of a topic by their numbers, with `$events`, where the server has that; else, and for a criteria,
//! by a search for what was changed since the last time. A search finds a resource once, as it is now, whatever has
//! happened to it in between, and no deletion.

use std::panic::AssertUnwindSafe;
use std::time::SystemTime;

use futures_util::FutureExt;

use super::changed::{self, Changed};
use super::dispatch::{handle_all, share};
use super::handle::handle;
use super::query::{self, Queried, query};
use super::read::{self, Deletion, Read};
use super::record::Failure;
use super::record::Record;
use crate::app::App;
use crate::deadline::Deadline;
use crate::declaration::Declaration;
use crate::decode::Happened;
use crate::event::Event;
use crate::fhir::Instant;
use crate::memory::{LookUp, Name, Numbering, Range};
use crate::service::{Answer, Answered};

/// How often the server is asked for the events of one notification, whose numbers may be far apart. What is left is
/// searched for.
const RANGES: usize = 16;

/// An event that names nothing, and what its number is among those that came.
pub(crate) type Unnamed = (Event, Numbering);

/// Whether it must be looked up what the event is about.
pub(crate) fn is_unnamed(Happened { event, resource, mistake }: &Happened<'_>) -> bool {
    event.focus.is_none() && resource.is_none() && mistake.is_none()
}

/// What came of events that were looked up.
pub(crate) struct LookedUp {
    pub(crate) by_number: Vec<Answered>,
    /// Of what a search found, for all others: which of it is whose is not known.
    pub(crate) by_search: Vec<Answered>,
}

impl LookedUp {
    /// What came of the event of this number, at worst.
    pub(crate) fn of(&self, number: Option<u64>) -> Option<&Answered> {
        let is_its =
            |one: &&Answered| number.is_some() && one.record.event().and_then(Event::number) == number;
        let gravity = |one: &&Answered| one.answer.gravity();
        let by_number = self.by_number.iter().filter(is_its).max_by_key(gravity);
        by_number.or_else(|| self.by_search.iter().max_by_key(gravity))
    }
}

/// Looks up what `events` are about, and handles it.
pub(crate) async fn look_up(
    app: &App,
    declaration: &'static Declaration,
    name: Name<'_>,
    events: Vec<Unnamed>,
    deadline: Deadline,
) -> LookedUp {
    let (by_number, left) = by_number(app, declaration, name, events, deadline).await;
    let mut others = Vec::new();
    if declaration.search().is_none() {
        // Of subscriptions with content = "empty" it is known what to search for.
        for (event, numbering) in left {
            let happened = Happened::new(event, None);
            others.push(handle(app, declaration, happened, None, deadline).await.numbered(numbering));
        }
    } else if let Some(first) = left.first() {
        // One search finds whatever all of them are about.
        let telling = left.iter().find(|(_, numbering)| !numbering.is_in_order()).unwrap_or(first);
        let told = left.iter().filter_map(|(event, _)| Instant::parse(event.timestamp()?)).min();
        others = by_search(app, declaration, telling, told, deadline).await;
    }
    LookedUp { by_number, by_search: others }
}

/// Asks the server for the events by their numbers; those that it does not have are left.
async fn by_number(
    app: &App,
    declaration: &'static Declaration,
    name: Name<'_>,
    mut left: Vec<Unnamed>,
    deadline: Deadline,
) -> (Vec<Answered>, Vec<Unnamed>) {
    let (mut answered, event_numbers) = (Vec::new(), &app.memory().event_numbers);
    let Some(id) = name.id() else { return (answered, left) };
    for numbers in ranges(&left).into_iter().take(RANGES) {
        if !event_numbers.has_events(name) {
            break;
        }
        let queried = query(app, declaration, id, &numbers, deadline.sooner_by_half()).await;
        let answer = match &queried {
            Queried::Answered(answer) => answer,
            Queried::Unknown => {
                event_numbers.asked(name, queried.asked(false));
                break;
            }
            Queried::Failed(failure) => {
                for (event, numbering) in take(&mut left, |number| numbers.contains(&number)) {
                    let record = Record::unread(declaration.endpoint, event, failure.clone());
                    answered.push(Answered::new(Answer::unread(), record).numbered(numbering));
                }
                continue;
            }
        };
        let mut events = query::events(answer, name, &numbers);
        events.retain(|happened| !is_unnamed(happened));
        event_numbers.asked(name, queried.asked(!events.is_empty()));
        let found: Vec<_> = events.iter().filter_map(|happened| happened.event.number).collect();
        let taken = take(&mut left, |number| found.contains(&number));
        let handled = handle_all(
            app,
            declaration,
            Deletion::in_answer(declaration),
            events,
            share(deadline, left.is_empty()),
        )
        .await;
        for (number, one) in found.iter().zip(handled) {
            let numbering = taken.iter().find(|(event, _)| event.number == Some(*number));
            answered.push(one.numbered(numbering.map_or(Numbering::InOrder, |(_, numbering)| *numbering)));
        }
    }
    (answered, left)
}

/// The numbers of the events, those that follow upon each other together.
fn ranges(events: &[Unnamed]) -> Vec<Range> {
    let mut numbers: Vec<_> = events.iter().filter_map(|(event, _)| event.number).collect();
    numbers.sort_unstable();
    let mut ranges: Vec<Range> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some(last) if *last.end() >= number.saturating_sub(1) => *last = *last.start()..=number,
            _ => ranges.push(number..=number),
        }
    }
    ranges
}

/// Takes those out whose number fits.
fn take(events: &mut Vec<Unnamed>, fits: impl Fn(u64) -> bool) -> Vec<Unnamed> {
    events.extract_if(.., |(event, _)| event.number.is_some_and(&fits)).collect()
}

/// Searches for what was changed since the last time, or since the first event happened, and handles it; one notification of an endpoint after the other, so
/// that none finds what another is at work on.
async fn by_search(
    app: &App,
    declaration: &'static Declaration,
    (event, numbering): &Unnamed,
    told: Option<Instant>,
    deadline: Deadline,
) -> Vec<Answered> {
    let (endpoint, event) = (declaration.endpoint, event.clone());
    let one = |answer, record| vec![Answered::new(answer, record).numbered(*numbering)];
    let now = Instant::from(SystemTime::now());
    let look_up = app.memory().look_ups.of(endpoint);
    let Ok(mut look_up) = tokio::time::timeout_at(deadline.instant(), look_up.lock()).await else {
        return one(Answer::out_of_time(), Record::not_begun(endpoint, event));
    };

    let since = look_up.since(now, told);
    let Found { hits, end } = find(app, declaration, &event, since, &look_up, deadline).await;
    let mut answered = match end {
        End::Whole if hits.is_empty() => {
            return one(Answer::handled(), Record::looked_up(endpoint, event, "nothing found"));
        }
        End::Whole => one(Answer::handled(), Record::looked_up(endpoint, event, "looked up")),
        // The rest is found when the server sends again.
        End::Cut => one(Answer::unread(), Record::not_all_looked_up(endpoint, event)),
        End::Failed(ref failure) => one(Answer::unread(), Record::unread(endpoint, event, failure.clone())),
    };
    let (is_seen, count) = (is_seen(&hits, &end), hits.len());
    let (mut newest, mut unsettled) = (None, None);
    for (place, hit) in hits.into_iter().enumerate() {
        // It is the server's own word.
        let read =
            Read::Found(read::Found { version_id: hit.event.version_id.clone(), json: hit.json.into() });
        let share = share(deadline, place + 1 == count);
        let one = handle(app, declaration, Happened::new(hit.event, None), Some(read), share).await;
        if one.answer.asks_for_another_try() {
            let updated = hit.updated.unwrap_or(since);
            unsettled = Some(unsettled.map_or(updated, |unsettled: Instant| unsettled.min(updated)));
        } else {
            newest = newest.max(hit.updated);
            hit.version.into_iter().for_each(|version| look_up.handled(version, hit.updated.unwrap_or(now)));
        }
        answered.push(one);
    }
    // What failed, or was not looked at, must be found the next time.
    if let Some(newest) = newest.filter(|_| is_seen) {
        look_up.advance(unsettled.map_or(newest, |unsettled| unsettled.min(newest)));
    }
    answered
}

/// How much of what a search finds is held at once; the rest is found when the server sends again.
const BYTES: usize = 32 * 1024 * 1024;

struct Found {
    hits: Vec<Changed>,
    end: End,
}

/// How a search ended.
enum End {
    Whole,
    /// There is more than may be handled at once.
    Cut,
    Failed(Failure),
}

/// Finds what was changed since then, and is not handled already.
async fn find(
    app: &App,
    declaration: &Declaration,
    event: &Event,
    since: Instant,
    look_up: &LookUp,
    deadline: Deadline,
) -> Found {
    let mut found = Found { hits: Vec::new(), end: End::Whole };
    let client = app.provided().fhir_client().with_deadline(deadline.sooner_by_half());
    // It is called where there is one.
    let Some(mut search) = changed::search(&client, declaration, since, &[]) else { return found };
    let mut bytes = 0;
    let searching = async {
        while let Some(json) = search.next().await {
            let Some(hit) = Changed::new(json?, event) else { continue };
            if hit.version.as_ref().is_some_and(|version| look_up.is_handled(version)) {
                continue;
            }
            bytes += hit.json.get().len();
            if found.hits.len() == app.settings().events_maximum || (bytes > BYTES && !found.hits.is_empty())
            {
                found.end = End::Cut;
                break;
            }
            found.hits.push(hit);
        }
        Ok(())
    };
    // A token provider of the user's runs in it.
    match AssertUnwindSafe(searching).catch_unwind().await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => found.end = End::Failed(Failure::of_reading(&error)),
        Err(_panic) => found.end = End::Failed(Failure::PANICKED),
    }
    found
}

/// Whether the search showed all that is older than the newest that it showed. Where it did not come to its end, that goes
/// by whether the server sorts, which few resources do not tell.
fn is_seen(hits: &[Changed], end: &End) -> bool {
    match end {
        End::Whole => true,
        End::Cut | End::Failed(_) => {
            let (first, last) = (hits.first(), hits.last());
            // All of one moment are in any order.
            let is_told = first.and_then(|hit| hit.updated) < last.and_then(|hit| hit.updated);
            is_told && hits.len() >= 10 && hits.is_sorted_by_key(|hit| hit.updated)
        }
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
