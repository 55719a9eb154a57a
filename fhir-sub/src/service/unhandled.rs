//! Which events of a notification were not handled: the answer to one of several names them.

use super::Answer;
use crate::event::Event;

/// An event as the answer names it: by nothing but its place and its number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Among the events of its notification, from 1 on.
    place: usize,
    number: Option<u64>,
}

impl Place {
    /// The places of events, in their order.
    pub(crate) fn of_all<'e>(events: impl IntoIterator<Item = &'e Event>) -> Vec<Self> {
        (1..).zip(events).map(|(place, event)| Self { place, number: event.number() }).collect()
    }

    pub(crate) fn number(&self) -> Option<u64> {
        self.number
    }
}

/// The events of a notification that were not handled.
#[derive(Debug)]
pub(crate) struct Unhandled {
    /// How many events the notification has.
    events: usize,
    said: Vec<(Place, Said)>,
}

/// What an answer says of an event: a code of <https://hl7.org/fhir/R4/valueset-issue-type.html>, and a text.
pub(crate) type Said = (&'static str, String);

/// The most events that are named one by one; of more, the answer says how many there are.
const MAXIMUM: usize = 100;

impl Unhandled {
    pub(crate) fn of(events: usize) -> Self {
        Self { events, said: Vec::new() }
    }

    /// Takes in what came of an event.
    pub(crate) fn add(&mut self, place: Place, answer: &Answer) {
        self.said.extend(answer.said().map(|said| (place, said.clone())));
    }

    /// `answer`, to several events, with an issue for each that was not handled.
    pub(crate) fn named_in(mut self, answer: Answer) -> Answer {
        if self.events < 2 || self.said.is_empty() {
            return answer;
        }
        self.said.sort_by_key(|(place, _)| place.place);
        let more = self.said.len().saturating_sub(MAXIMUM);
        self.said.truncate(MAXIMUM);
        let events = self.events;
        let name = |Place { place, number }: Place| match number {
            Some(number) => format!("event {place} of {events}, number {number}"),
            None => format!("event {place} of {events}"),
        };
        let named = self.said.into_iter().map(|(place, said)| (said, Some(name(place))));
        let more =
            (more > 0).then(|| (("informational", format!("{more} more events were not handled")), None));
        answer.with_issues(named.chain(more))
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
