//! Events that did not come, by their numbers: the server is asked for them.
//!
//! They are handled as those of a notification are. Where the server does not have them, they stay missing, and are logged and
//! counted: a notification is not turned down for what it does not carry.

use std::time::Duration;

use super::dispatch::handle_all;
use super::look_up;
use super::query::{self, Queried, query};
use super::read::Deletion;
use super::record::Record;
use crate::app::App;
use crate::deadline::Deadline;
use crate::declaration::Declaration;
use crate::decode::Happened;
use crate::memory::{Claim, Name, Range};
use crate::service::Answered;

/// How long an event is waited for before the server is asked: notifications overtake each other.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long the server may take to answer: the notification at hand is not to be late for what it does not carry.
const TO_ANSWER: Duration = Duration::from_secs(5);

/// Asks the server for the events of a Subscription that are missing, at most as many as a notification may have, and
/// handles them; what came of each, and of each gap.
pub(crate) async fn close(
    app: &App,
    declaration: &'static Declaration,
    name: Name<'_>,
    deadline: Deadline,
) -> Vec<Answered> {
    let mut answered = Vec::new();
    let Some(id) = name.id() else { return answered };
    let event_numbers = &app.memory().event_numbers;
    if !app.settings().asks_for_missing_events || !event_numbers.can_be_asked(name) {
        return answered;
    }
    tokio::time::sleep(PATIENCE.min(deadline.remaining() / 4)).await;

    let claim = event_numbers.claim(name, app.settings().events_maximum);
    for numbers in claim.ranges() {
        if deadline.has_passed() || !event_numbers.has_events(name) {
            break;
        }
        match ask(app, declaration, id, &claim, numbers, deadline.sooner_by_half()).await {
            Ok(further) => answered.extend(further),
            // The next notification asks again, for this range and those that follow.
            Err(record) => {
                answered.push(Answered::of_gap(*record));
                break;
            }
        }
    }
    answered
}

/// Asks for one range; the error says that the server could not be asked.
async fn ask(
    app: &App,
    declaration: &'static Declaration,
    id: &str,
    claim: &Claim<'_>,
    numbers: &Range,
    deadline: Deadline,
) -> Result<Vec<Answered>, Box<Record>> {
    let (name, endpoint) = (claim.name(), declaration.endpoint);
    let queried = query(app, declaration, id, numbers, deadline.min(Deadline::after(TO_ANSWER))).await;
    let answer = match &queried {
        Queried::Answered(answer) => Some(answer),
        Queried::Unknown => None,
        Queried::Failed(failure) => {
            return Err(Box::new(Record::gap_unread(endpoint, numbers, failure.clone())));
        }
    };
    claim.ask(numbers);
    let mut events = answer.map(|answer| query::events(answer, name, numbers)).unwrap_or_default();
    if declaration.needs_resource() {
        // What they are about is for a search to find.
        events.retain(|happened| !look_up::is_unnamed(happened));
    }
    app.memory().event_numbers.asked(name, queried.asked(!events.is_empty()));
    if events.is_empty() {
        claim.give_up(numbers);
        return Ok(vec![Answered::of_gap(Record::gap(endpoint, numbers, "gap open"))]);
    }

    // Some may have come by themselves in the meantime.
    events.retain(|Happened { event, .. }| event.number.is_some_and(|number| claim.is_missing(number)));
    let told: Vec<_> = events.iter().map(|happened| happened.event.clone()).collect();
    let mut answered = handle_all(app, declaration, Deletion::in_answer(declaration), events, deadline).await;
    for (event, answered) in told.iter().zip(&answered) {
        if !answered.answer.asks_for_another_try() {
            claim.found(event);
        }
    }
    let is_filled = numbers.clone().all(|number| !claim.is_missing(number));
    let record = match (claim.is_of_now(), is_filled) {
        (false, _) => Record::gap(endpoint, numbers, "gap lost"),
        (true, true) => Record::gap_filled(endpoint, numbers),
        (true, false) => Record::gap(endpoint, numbers, "gap open"),
    };
    answered.push(Answered::of_gap(record));
    Ok(answered)
}

#[cfg(all(test, feature = "testing"))]
mod tests;
