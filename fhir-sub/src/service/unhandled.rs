//! The events of a notification that were not handled. If there are several events, the answer names them.

use super::answer::{Issue, Said};
use crate::delivery::{Notified, Place};
use crate::sorted;

/// The events of a notification that were not handled.
#[derive(Debug)]
pub(super) struct Unhandled {
    /// How many events the notification has.
    events: usize,
    said: Vec<(Place, Said)>,
}

/// The most events that are named one by one. For more, the answer has only their number.
const MAXIMUM: usize = 100;

impl Unhandled {
    /// `None` if there is only one event, or if all were handled.
    pub(super) fn of(notified: &Notified) -> Option<Self> {
        let events = notified.places.len();
        if events < 2 {
            return None;
        }
        let said = |(place, index): &(Place, usize)| Some((*place, Said::of(&notified.delivered[*index])?));
        let mut said: Vec<_> = notified.places.iter().filter_map(said).collect();
        sorted::by_key(&mut said, |(place, _)| place.place);
        (!said.is_empty()).then_some(Self { events, said })
    }

    /// An issue for each event.
    pub(super) fn issues(self) -> impl Iterator<Item = Issue> {
        let Self { events, mut said } = self;
        let more = said.len().saturating_sub(MAXIMUM);
        said.truncate(MAXIMUM);
        let name = move |Place { place, number }: Place| match number {
            Some(number) => format!("event {place} of {events}, number {number}"),
            None => format!("event {place} of {events}"),
        };
        let named = said.into_iter().map(move |(place, said)| (said.code, said.text, Some(name(place))));
        let more = (more > 0)
            .then(|| ("informational", format!("{more} more events were not handled").into(), None));
        named.chain(more)
    }
}

#[cfg(test)]
mod tests;
