//! [`EventNumbers`]: the events of each Subscription that have arrived.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::gaps::{Gaps, Range};
use super::sequence::{Counts, Numbering, Said, Sequence};
use crate::event::Event;
use crate::fhir::{Instant, Reference};

/// The events of each Subscription that have arrived, by their numbers: see [`Sequence`].
///
/// Only this type knows them, so another store could replace it. Several notifications may use it at the same
/// time; no lock is held longer than one call.
#[derive(Debug, Default)]
pub(crate) struct EventNumbers {
    kept: Mutex<Kept>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Kept {
    sequences: HashMap<(&'static str, String), Numbered>,
    /// Increases with each notification.
    time: u64,
}

#[derive(Debug, Default)]
struct Numbered {
    sequence: Sequence,
    used: u64,
    /// How often the server returned none of the requested events.
    fruitless: u8,
}

/// The most Subscriptions that are remembered. Beyond that, the one that was silent for longest is dropped.
const MAXIMUM: usize = 256;

/// After this many empty answers, the server is assumed to have no usable `$events`.
const FRUITLESS: u8 = 3;

/// The result of asking for missing events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The server returned events.
    Found,
    /// The server returned none, or has no such operation.
    Nothing,
    /// The server did not answer.
    Failed,
}

/// A Subscription of an endpoint, as a notification names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'a> {
    pub(crate) endpoint: &'static str,
    /// `Subscription/1`, if the notification says it; absolute on another server.
    pub(crate) subscription: Option<&'a str>,
}

impl EventNumbers {
    /// Records the events of one notification. Returns how each number compares with the numbers before it.
    ///
    /// `counted` is the number of events so far, as the server says.
    pub(crate) fn events<'e>(
        &self,
        name: Name<'_>,
        events: impl Iterator<Item = &'e Event>,
        counted: Option<u64>,
    ) -> Vec<Numbering> {
        let mut kept = self.lock();
        let numbered = kept.numbered(name);
        events.map(|event| numbered.sequence.event(self.said(event), counted)).collect()
    }

    /// Records the number of events so far from a notification without events.
    pub(crate) fn count(&self, name: Name<'_>, counted: u64, is_handshake: bool) -> Numbering {
        self.lock().numbered(name).sequence.count(counted, is_handshake)
    }

    /// Counts an event with a resource that the server no longer has.
    pub(crate) fn gone(&self, name: Name<'_>) {
        self.lock().numbered(name).sequence.counts.gone += 1;
    }

    /// Whether events are missing that the server can be asked for.
    pub(crate) fn can_be_asked(&self, name: Name<'_>) -> bool {
        self.lock().find(name).is_some_and(|numbered| {
            let gaps = numbered.sequence.gaps();
            numbered.fruitless < FRUITLESS && gaps.is_some_and(Gaps::can_be_asked_for)
        })
    }

    /// Whether it is useful to ask the server for events by their numbers.
    pub(crate) fn has_events(&self, name: Name<'_>) -> bool {
        self.lock().find(name).is_none_or(|numbered| numbered.fruitless < FRUITLESS)
    }

    /// The numbers of missing events to ask for, at most `maximum`. No other notification asks for them until
    /// the claim is dropped.
    pub(crate) fn claim<'m>(&'m self, name: Name<'m>, maximum: usize) -> Claim<'m> {
        let maximum = u64::try_from(maximum).unwrap_or(u64::MAX);
        let mut kept = self.lock();
        let (mut ranges, mut restarts) = (Vec::new(), 0);
        if let Some(sequence) = kept.find_mut(name).map(|numbered| &mut numbered.sequence) {
            restarts = sequence.counts.restarts;
            ranges = sequence.gaps_mut().map(|gaps| gaps.claim(maximum)).unwrap_or_default();
        }
        Claim { numbers: self, name, restarts, ranges }
    }

    /// Records the result of asking the server for events by their numbers.
    pub(crate) fn asked(&self, name: Name<'_>, asked: Asked) {
        if let Some(numbered) = self.lock().find_mut(name) {
            match asked {
                Asked::Found => numbered.fruitless = 0,
                Asked::Nothing => numbered.fruitless = numbered.fruitless.saturating_add(1),
                Asked::Failed => {}
            }
        }
    }

    /// The counts of a Subscription.
    #[cfg(feature = "registration")]
    pub(crate) fn counts(&self, name: Name<'_>) -> Option<Counts> {
        self.lock().find(name).map(|numbered| numbered.sequence.counts())
    }

    fn said(&self, event: &Event) -> Option<Said> {
        let hash = |text: &str| self.hasher.hash_one(text);
        Some(Said {
            number: event.number?,
            focus: event.focus().map(hash),
            version: event.version_id().map(hash),
            time: event.timestamp().and_then(Instant::parse),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // No user code runs under the lock, and the counts need not be exact after a panic.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn find(&self, name: Name<'_>) -> Option<&Numbered> {
        self.sequences.get(&name.key())
    }

    fn find_mut(&mut self, name: Name<'_>) -> Option<&mut Numbered> {
        self.sequences.get_mut(&name.key())
    }

    fn numbered(&mut self, name: Name<'_>) -> &mut Numbered {
        self.time += 1;
        let key = name.key();
        if self.sequences.len() >= MAXIMUM && !self.sequences.contains_key(&key) {
            let oldest = self.sequences.iter().min_by_key(|(_, numbered)| numbered.used);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.sequences.remove(&oldest);
            }
        }
        let numbered = self.sequences.entry(key).or_default();
        numbered.used = self.time;
        numbered
    }
}

impl<'a> Name<'a> {
    fn key(self) -> (&'static str, String) {
        (self.endpoint, self.subscription.unwrap_or_default().to_owned())
    }

    /// Whether the Subscription is on another server.
    pub(crate) fn is_foreign(self) -> bool {
        self.subscription.is_some_and(|subscription| subscription.contains("://"))
    }

    /// The id of the Subscription, if it is on the own server.
    pub(crate) fn id(self) -> Option<&'a str> {
        let reference = Reference::parse(self.subscription.filter(|_| !self.is_foreign())?)?;
        (reference.resource_type == "Subscription").then_some(reference.id)
    }
}

/// Numbers of missing events that one notification may ask for.
#[derive(Debug)]
pub(crate) struct Claim<'m> {
    numbers: &'m EventNumbers,
    name: Name<'m>,
    /// The number of the counter's restarts at that time.
    restarts: u64,
    ranges: Vec<Range>,
}

impl<'m> Claim<'m> {
    pub(crate) fn name(&self) -> Name<'m> {
        self.name
    }

    pub(crate) fn ranges(&self) -> &[Range] {
        &self.ranges
    }

    /// Whether the counter has not restarted since. After a restart, the numbers belong to other events.
    pub(crate) fn is_of_now(&self) -> bool {
        let kept = self.numbers.lock();
        kept.find(self.name).is_some_and(|numbered| numbered.sequence.counts.restarts == self.restarts)
    }

    /// Whether the event with this number is still missing.
    pub(crate) fn is_missing(&self, number: u64) -> bool {
        let kept = self.numbers.lock();
        let gaps = kept.find(self.name).and_then(|numbered| numbered.sequence.gaps());
        gaps.is_some_and(|gaps| gaps.contains(number))
    }

    /// The range, and the number before it if we know its event: if the server has another event with that
    /// number, the counter has restarted and passed the old number.
    pub(crate) fn with_number_before(&self, range: &Range) -> Range {
        let kept = self.numbers.lock();
        let before = kept.find(self.name).and_then(|numbered| numbered.sequence.before(range));
        before.unwrap_or(*range.start())..=*range.end()
    }

    /// Records the server's event with the number before a range. Returns whether it shows that the counter
    /// has restarted.
    pub(crate) fn is_overtaken(&self, event: &Event) -> bool {
        let (said, mut kept) = (self.numbers.said(event), self.numbers.lock());
        let numbered = kept.find_mut(self.name);
        numbered.zip(said).is_some_and(|(numbered, said)| numbered.sequence.overtaken(said))
    }

    /// Records a missing event that the server had and that was handled.
    pub(crate) fn found(&self, event: &Event) {
        let (said, mut kept) = (self.numbers.said(event), self.numbers.lock());
        if let (Some(said), Some(numbered)) = (said, self.numbered(&mut kept)) {
            numbered.sequence.found(said);
        }
    }

    /// The numbers, unless the counter has restarted since: then they belong to other events.
    fn numbered<'k>(&self, kept: &'k mut Kept) -> Option<&'k mut Numbered> {
        kept.find_mut(self.name).filter(|numbered| numbered.sequence.counts.restarts == self.restarts)
    }

    /// Records that the server is now asked for this range.
    pub(crate) fn ask(&self, range: &Range) {
        self.with_gaps(|gaps| gaps.ask(range));
    }

    /// Records that the server has no more events of this range.
    pub(crate) fn give_up(&self, range: &Range) {
        self.with_gaps(|gaps| gaps.give_up(range));
    }

    fn with_gaps(&self, with: impl FnOnce(&mut Gaps)) {
        let mut kept = self.numbers.lock();
        if let Some(gaps) = self.numbered(&mut kept).and_then(|numbered| numbered.sequence.gaps_mut()) {
            with(gaps);
        }
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.with_gaps(|gaps| self.ranges.iter().for_each(|range| gaps.give_back(range)));
    }
}

#[cfg(test)]
mod tests;
