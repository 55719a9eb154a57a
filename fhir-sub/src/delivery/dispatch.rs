//! From a notification to its answer: every event is handled, one after the other.

use std::time::Duration;

use super::handle::handle;
use super::read::Deletion;
use super::record::Record;
use super::{gap, look_up, read};
use crate::app::App;
use crate::deadline::Deadline;
use crate::declaration::{Declaration, Topic, Trigger};
use crate::decode::{Counted, Decoded, Happened, Undecodable, decode};
use crate::memory::{Name, Numbering};
use crate::request::Head;
use crate::service::unhandled::{Place, Unhandled};
use crate::service::{Answer, Answered};

/// Of how many events the resources are read, and held, at once.
const READ_AT_ONCE: usize = 50;

/// Runs the handler of `declaration` on what the request notifies of.
pub(crate) async fn dispatch(
    app: &App,
    head: &Head<'_>,
    declaration: &'static Declaration,
    reference: Option<String>,
    body: &[u8],
    deadline: Deadline,
) -> Answered {
    let (endpoint, deadline) = (declaration.endpoint, deadline.min(sent_again(declaration)));
    match decode(head, declaration, reference, body, app.settings().events_maximum) {
        Ok(Decoded::Events(events, counted)) => {
            let deletion = Deletion::in_request(app, head, declaration);
            handle_events(app, declaration, deletion, events, &counted, deadline).await
        }
        Ok(Decoded::Notice(notice, counted)) => {
            handle_notice(app, declaration, notice, &counted, deadline).await
        }
        // HAPI reads a body out of any other answer to its transaction.
        Ok(Decoded::NothingFound) => {
            Answered::new(Answer::handled(), Record::notice(endpoint, "nothing found"))
        }
        Err(Undecodable { answer, outcome }) => {
            Answered::new(answer, Record::refused(Some(endpoint), outcome))
        }
    }
}

/// When the server gives up on an attempt, if the Subscription says so, and sends it again: by then it must have been
/// answered.
fn sent_again(declaration: &Declaration) -> Deadline {
    match declaration.trigger {
        Trigger::Topic(Topic { timeout: Some(seconds), .. }) => {
            // Less what a network takes.
            Deadline::after(Duration::from_secs(seconds.into()).mul_f64(0.9))
        }
        _ => Deadline::after(Duration::MAX),
    }
}

/// What is missing before the events is asked for after them: by then it may have come by itself.
async fn handle_events(
    app: &App,
    declaration: &'static Declaration,
    deletion: Deletion,
    events: Vec<Happened<'_>>,
    counted: &Counted,
    deadline: Deadline,
) -> Answered {
    let endpoint = declaration.endpoint;
    let subscription = counted.subscription.clone().or_else(|| events.first()?.event.subscription.clone());
    let name = Name { endpoint, subscription: subscription.as_deref() };
    let told = events.iter().map(|happened| &happened.event);
    let numberings = app.memory().event_numbers.events(name, told, counted.events);

    let places = Place::of_all(events.iter().map(|happened| &happened.event));
    let mut unhandled = Unhandled::of(events.len());

    let is_looked_up = declaration.needs_resource();
    let (unnamed, named): (Vec<_>, Vec<_>) = events
        .into_iter()
        .zip(numberings.into_iter().zip(places))
        .partition(|(happened, _)| is_looked_up && look_up::is_unnamed(happened));
    let (named, known): (Vec<_>, Vec<_>) = named.into_iter().unzip();
    let share = share(deadline, unnamed.is_empty());
    let named = handle_all(app, declaration, deletion, named, share).await;
    let mut answered = Vec::new();
    for (one, (numbering, place)) in named.into_iter().zip(known) {
        unhandled.add(place, &one.answer);
        answered.push(one.numbered(numbering));
    }
    if !unnamed.is_empty() {
        let (unnamed, places): (Vec<_>, Vec<_>) = unnamed
            .into_iter()
            .map(|(happened, (numbering, place))| ((happened.event, numbering), place))
            .unzip();
        let looked_up = look_up::look_up(app, declaration, name, unnamed, deadline).await;
        for place in places {
            looked_up.of(place.number()).into_iter().for_each(|one| unhandled.add(place, &one.answer));
        }
        answered.extend(looked_up.by_number.into_iter().chain(looked_up.by_search));
    }
    let missing = gap::close(app, declaration, name, deadline).await;
    // A notification has one event at least.
    let no_events = || Answered::new(Answer::handled(), Record::notice(endpoint, "no events"));
    let mut answered = answered.into_iter().reduce(Answered::and).unwrap_or_else(no_events);
    answered.answer = unhandled.named_in(answered.answer);
    // What becomes of them does not answer the notification: sent again, it would not bring them.
    answered.further.extend(missing.into_iter().map(|answered| answered.record));
    answered
}

/// Says yes to a notification of no event. What it shows to be missing is asked for, but not before a handshake is over;
/// and if that fails, the next notification will ask again: the server need not send this one.
async fn handle_notice(
    app: &App,
    declaration: &'static Declaration,
    notice: &'static str,
    counted: &Counted,
    deadline: Deadline,
) -> Answered {
    let endpoint = declaration.endpoint;
    let name = Name { endpoint, subscription: counted.subscription.as_deref() };
    let count = |count| app.memory().event_numbers.count(name, count, counted.is_handshake);
    let numbering = counted.events.map_or(Numbering::InOrder, count);
    let mut record = Record::notice(endpoint, notice);
    record.set_numbering(numbering);
    let mut answered = Answered::new(Answer::acknowledged(), record);
    if !counted.is_handshake {
        let further = gap::close(app, declaration, name, deadline).await;
        answered.further.extend(further.into_iter().map(|answered| answered.record));
    }
    answered
}

/// Handles the events: what came of each, in their order.
pub(crate) async fn handle_all(
    app: &App,
    declaration: &'static Declaration,
    deletion: Deletion,
    events: Vec<Happened<'_>>,
    deadline: Deadline,
) -> Vec<Answered> {
    let mut answered = Vec::with_capacity(events.len());
    let mut events = events.into_iter();
    let mut tells_versions = true;
    while events.len() > 0 {
        let some: Vec<_> = events.by_ref().take(READ_AT_ONCE).collect();
        let is_last = events.len() == 0;
        let missing = read::missing(app, declaration, deletion, &some);
        let reads = if missing.is_empty() {
            Vec::new()
        } else {
            let share = share(deadline, some.len() == 1 && is_last);
            read::read(app, declaration, deletion, &some, &missing, share, &mut tells_versions).await
        };
        let mut reads = reads.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
        let mut some = some.into_iter();
        while let Some(happened) = some.next() {
            let share = share(deadline, some.len() == 0 && is_last);
            let read = reads.next().flatten().flatten();
            answered.push(handle(app, declaration, happened, read, share).await);
        }
    }
    answered
}

/// When what others wait for must have ended: halfway to the deadline. One that takes all the time would hide the
/// others each time that it is sent again.
pub(crate) fn share(deadline: Deadline, is_last: bool) -> Deadline {
    if is_last { deadline } else { deadline.sooner_by_half() }
}

impl Answered {
    /// What the log says of events that did not come; the notification is not answered by it.
    pub(crate) fn of_gap(record: Record) -> Self {
        Self::new(Answer::handled(), record)
    }

    /// The answer to both: the server must send again what one of them must have again.
    fn and(mut self, next: Self) -> Self {
        if next.answer.gravity() > self.answer.gravity() {
            self.answer = next.answer;
        }
        self.further.push(next.record);
        self
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
