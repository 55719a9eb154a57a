//! Events that did not arrive, as their numbers show: the server is asked for them.
//!
//! They are handled like the events of a notification. If the server does not have them, they stay missing,
//! and are logged and counted. A notification is never refused because earlier events are missing.

use std::time::Duration;

use super::deliver::deliver;
use super::delivered::Delivered;
use super::failure::Failure;
use super::look_up;
use super::query::{self, Queried, query};
use super::read::Deletion;
use super::time::Time;
use crate::app::App;
use crate::deadline::Deadline;
use crate::declaration::Declaration;
use crate::decode::Happened;
use crate::memory::{Asked, Claim, Name, Range};

/// The result for missing numbers.
#[derive(Debug)]
pub(crate) enum Missing {
    /// A missing event that the server returned.
    Event(Box<Delivered>),
    /// The whole gap.
    Gap { numbers: Range, end: Closed },
}

/// How the closing of a gap ended.
#[derive(Debug)]
pub(crate) enum Closed {
    /// The server had all events.
    Filled,
    /// The server did not have all events, or some must still be handled.
    Open,
    /// The counter has restarted.
    Lost,
    /// The server could not be asked, or its answer could not be used.
    Unread(Failure),
}

/// How long to wait for an event before the server is asked, because notifications overtake each other.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long the server may take to answer. The notification at hand must not be late because of other events.
const TO_ANSWER: Duration = Duration::from_secs(5);

/// Asks the server for missing events of a Subscription, at most as many as a notification may have, and
/// delivers them. Returns the result of each event and of each gap. Without a gap, this only looks at the
/// numbers.
pub(super) async fn close(
    app: &App,
    declaration: &'static Declaration,
    name: Name<'_>,
    time: Time,
) -> Vec<Missing> {
    let Some(id) = name.id() else { return Vec::new() };
    if !app.settings().asks_for_missing_events || !app.memory().event_numbers.can_be_asked(name) {
        return Vec::new();
    }
    Box::pin(close_all(app, declaration, name, id, time)).await
}

async fn close_all(
    app: &App,
    declaration: &'static Declaration,
    name: Name<'_>,
    id: &str,
    time: Time,
) -> Vec<Missing> {
    let mut missing = Vec::new();
    tokio::time::sleep(PATIENCE.min(time.deadline().remaining() / 4)).await;

    if close_claimed(app, declaration, name, id, time, &mut missing).await {
        // The first run found out that the counter restarted. So the missing numbers are known only now.
        close_claimed(app, declaration, name, id, time, &mut missing).await;
    }
    missing
}

/// Closes the gaps that no other notification is closing. Returns whether the counter turned out to have
/// restarted.
async fn close_claimed(
    app: &App,
    declaration: &'static Declaration,
    name: Name<'_>,
    id: &str,
    time: Time,
    missing: &mut Vec<Missing>,
) -> bool {
    let event_numbers = &app.memory().event_numbers;
    let claim = event_numbers.claim(name, app.settings().events_maximum);
    for numbers in claim.ranges() {
        if time.deadline().has_passed() || !event_numbers.has_events(name) {
            break;
        }
        let share = time.unless_waited_for(false);
        let (end, is_overtaken) = match ask(app, declaration, id, &claim, numbers, share, missing).await {
            Some(end) => (end, false),
            None => (Closed::Lost, true),
        };
        // The next notification asks again, for this range and the following ones.
        let is_last = is_overtaken || matches!(end, Closed::Unread(_));
        missing.push(Missing::Gap { numbers: numbers.clone(), end });
        if is_last {
            return is_overtaken;
        }
    }
    false
}

/// Asks for one range, and delivers its events. `None` if the counter turns out to have restarted.
async fn ask(
    app: &App,
    declaration: &'static Declaration,
    id: &str,
    claim: &Claim<'_>,
    numbers: &Range,
    time: Time,
    missing: &mut Vec<Missing>,
) -> Option<Closed> {
    let (name, asked) = (claim.name(), claim.with_number_before(numbers));
    let until = time.deadline().min(Deadline::after(TO_ANSWER));
    let queried = query(app, declaration, id, &asked, until).await;
    let answer = match &queried {
        Queried::Answered(answer) => Some(answer),
        Queried::Unknown => None,
        Queried::Failed(failure) => return Some(Closed::Unread(failure.clone())),
    };
    claim.ask(numbers);
    let mut events =
        answer.map(|answer| query::events(app, declaration, answer, name, &asked)).unwrap_or_default();
    let known = events.iter().position(|happened| happened.event.number < Some(*numbers.start()));
    if let Some(place) = known
        && claim.is_overtaken(&events.remove(place).event)
    {
        app.memory().event_numbers.asked(name, Asked::Found);
        return None;
    }
    if declaration.looks_up() {
        // Only a search can find the resources of these events.
        events.retain(|happened| !look_up::is_unnamed(happened));
    }
    app.memory().event_numbers.asked(name, queried.asked(!events.is_empty()));
    if events.is_empty() {
        claim.give_up(numbers);
        return Some(Closed::Open);
    }

    // Some may have arrived in the meantime.
    events.retain(|Happened { event, .. }| event.number.is_some_and(|number| claim.is_missing(number)));
    let told: Vec<_> = events.iter().map(|happened| happened.event.clone()).collect();
    let delivered = deliver(app, declaration, Deletion::in_answer(declaration), events, time).await;
    for (event, delivered) in told.iter().zip(&delivered) {
        if !delivered.must_come_again() {
            claim.found(event);
        }
    }
    missing.extend(delivered.into_iter().map(|one| Missing::Event(Box::new(one))));
    let is_filled = numbers.clone().all(|number| !claim.is_missing(number));
    Some(match (claim.is_of_now(), is_filled) {
        (false, _) => Closed::Lost,
        (true, true) => Closed::Filled,
        (true, false) => Closed::Open,
    })
}

#[cfg(test)]
mod tests;
