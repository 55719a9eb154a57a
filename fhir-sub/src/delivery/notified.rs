//! [`Notified`]: the results of all events of a notification.

use super::deliver::deliver;
use super::delivered::{Delivered, Due};
use super::gap::{self, Missing};
use super::look_up::{self, LookedUp, Unnamed};
use super::read::Deletion;
use super::time::Time;
use crate::app::App;
use crate::declaration::Declaration;
use crate::decode::{Counted, Happened};
use crate::incoming::Way;
use crate::memory::{Name, Numbering};

/// The result of a notification. The answer, the log lines and the need to retry are derived from it.
#[derive(Debug)]
pub(crate) struct Notified {
    /// The results of its events, and of the resources that a search found for empty events.
    pub(crate) delivered: Vec<Delivered>,
    /// For each event of the notification, the index of its result in `delivered`.
    pub(crate) places: Vec<(Place, usize)>,
    /// The results of events that were missing. To send the notification again would not bring them.
    pub(crate) missing: Vec<Missing>,
}

/// An event of a notification as the answer names it: only by its place and its number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Its place in the notification, counted from 1.
    pub(crate) place: usize,
    pub(crate) number: Option<u64>,
}

/// Delivers the events of a notification, and then asks for the missing events before them: by then, they may
/// have arrived.
pub(crate) async fn events(
    app: &App,
    declaration: &'static Declaration,
    deletion: Deletion,
    events: Vec<Happened<'_>>,
    counted: &Counted,
    time: Time,
) -> Notified {
    let subscription = counted.subscription.clone().or_else(|| events.first()?.event.subscription.clone());
    let name = Name { endpoint: declaration.endpoint, subscription: subscription.as_deref() };
    let told = events.iter().map(|happened| &*happened.event);
    let numberings = app.memory().event_numbers.events(name, told, counted.events);

    let is_looked_up = declaration.looks_up();
    let places = (1..).zip(&events).map(|(place, happened)| Place { place, number: happened.event.number });
    let places: Vec<_> = places.collect();
    let way = events.first().map_or_else(Way::default, |happened| happened.way);
    let (unnamed, named): (Vec<_>, Vec<_>) = events
        .into_iter()
        .zip(numberings.into_iter().zip(places))
        .partition(|(happened, _)| is_looked_up && look_up::is_unnamed(happened));
    let (named, known): (Vec<_>, Vec<_>) = named.into_iter().unzip();
    let share = time.unless_waited_for(unnamed.is_empty());
    let mut notified = Notified { delivered: Vec::new(), places: Vec::new(), missing: Vec::new() };
    notified.delivered = deliver(app, declaration, deletion, named, share).await;
    for (index, (one, (numbering, place))) in notified.delivered.iter_mut().zip(known).enumerate() {
        one.numbering = numbering;
        notified.places.push((place, index));
    }
    if !unnamed.is_empty() {
        let unnamed = unnamed.into_iter().map(|(happened, (numbering, place))| {
            let unnamed = Unnamed { event: happened.event, numbering };
            (unnamed, place)
        });
        let (unnamed, places): (Vec<_>, Vec<_>) = unnamed.unzip();
        let looked_up = Box::pin(look_up::look_up(app, declaration, name, unnamed, way, time)).await;
        notified.add(looked_up, places);
    }
    notified.missing = gap::close(app, declaration, name, time).await;
    notified
}

/// Handles a notification without events, which only has a count. If the count shows missing events, the
/// server is asked for them, but only after a handshake is over. If that fails, the next notification asks
/// again.
pub(crate) async fn none(
    app: &App,
    declaration: &'static Declaration,
    counted: &Counted,
    time: Time,
) -> (Numbering, Vec<Missing>) {
    let name = Name { endpoint: declaration.endpoint, subscription: counted.subscription.as_deref() };
    let count = |count| app.memory().event_numbers.count(name, count, counted.is_handshake);
    let numbering = counted.events.map_or(Numbering::InOrder, count);
    let missing = match counted.is_handshake {
        true => Vec::new(),
        false => gap::close(app, declaration, name, time).await,
    };
    (numbering, missing)
}

impl Notified {
    fn add(&mut self, looked_up: LookedUp, places: Vec<Place>) {
        let first = self.delivered.len();
        for place in places {
            let index = looked_up.of(place.number);
            self.places.extend(index.map(|index| (place, first + index)));
        }
        self.delivered.extend(looked_up.delivered);
    }

    /// Whether nothing is left to do for any of its events.
    pub(crate) fn is_done(&self) -> bool {
        self.delivered.iter().all(|one| one.due() == Due::Nothing)
    }

    /// The result that decides the answer: the first of those that need the most from the sender.
    pub(crate) fn gravest(&self) -> Option<&Delivered> {
        self.delivered.iter().reduce(|gravest, next| if next.due() > gravest.due() { next } else { gravest })
    }
}

#[cfg(test)]
mod tests;
