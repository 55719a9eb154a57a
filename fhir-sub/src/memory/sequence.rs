//! [`Sequence`]: the event numbers of one Subscription that have arrived.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::gaps::{Gaps, Range};
use crate::fhir::Instant;
use crate::sorted;

/// The event numbers of one Subscription that have arrived.
///
/// A server counts the events of a Subscription from 1. It gives each event its number, and says with each
/// notification how many events there have been (`eventsSinceSubscriptionStart`). So the number of an event
/// means one of these:
///
/// - It is the next number: all is in order.
/// - It is higher: there is a gap of missing events. They may still arrive, because several notifications are
///   under way at the same time. A late number fills its gap.
/// - It is not higher, and in no gap. Then the event is a repetition, or it is late and from before the first
///   event that arrived here, or the counter has restarted.
///
/// A restart is distinguished from a repetition by the first of these rules that applies:
///
/// 1. The number recently belonged to an event of another resource, and this event happened later: a restart.
/// 2. The server has counted as many events as we have, or more: no restart.
/// 3. The number recently belonged to another event, with another time or another resource (or another version, if no
///    time is known): a restart. If it belonged to the same event: no restart.
/// 4. The event happened after an event with a higher number: a restart. If it happened before: no restart.
/// 5. The number is far below the highest one, and in no gap: a restart.
///
/// So `eventsSinceSubscriptionStart` can only show that a counter goes on. A lower value may come from an old
/// notification that is sent again unchanged, and a restarted counter may have passed the old value. Times
/// are compared with an allowance of one second, and only if they are instants: HAPI's R4 times are days. If
/// no rule applies, the event counts as a repetition, which costs least: gaps stay unseen until the new
/// counter has reached the old one. If a new counter passed the old one before any of its events arrived
/// here, a gap reveals it: the server is also asked for the number before the gap, and has another event
/// [under it](Self::overtaken).
///
/// A handshake tells the position of a counter that has just started, or that goes on after a pause. A lower
/// position than ours announces a new counter; a higher one shows a gap. A heartbeat with a higher position
/// shows a gap too; an event overtook a heartbeat with a lower one.
///
/// The first number or the first position is the beginning: nothing counts as missing before it. The same
/// holds for a new counter if a handshake or a far lower number announces it. If an event reveals the new
/// counter, the numbers before that event are missing unless they arrived. The missing events of the old
/// counter cannot be asked for any more.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    epoch: Option<Epoch>,
    pub(super) counts: Counts,
}

/// The time from one start of a counter to the next.
#[derive(Debug)]
struct Epoch {
    /// All numbers from this one to the highest have arrived, except those in the gaps.
    first: u64,
    highest: u64,
    /// The latest event that arrived: its time and number.
    newest: Option<(Instant, u64)>,
    gaps: Gaps,
    /// The last events that arrived.
    recent: VecDeque<Said>,
}

/// The counts of one Subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// The events that arrived, including repetitions and events without a number.
    pub(crate) received: u64,
    /// The highest number that arrived, or that the server has counted.
    pub(crate) last_number: Option<u64>,
    /// The gaps with missing events.
    pub(crate) gaps: usize,
    /// The number of missing events in these gaps.
    pub(crate) missing: u64,
    /// How many events never arrived and cannot be asked for any more, because the counter restarted or there
    /// were too many gaps.
    pub(crate) lost: u64,
    pub(crate) repeats: u64,
    pub(crate) restarts: u64,
    /// Events that no handler ran on, because the server said that their resource is gone.
    pub(crate) gone: u64,
}

/// The details of an event. Its number alone does not identify it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) number: u64,
    /// A hash of its resource.
    pub(super) focus: Option<u64>,
    /// A hash of its version.
    pub(super) version: Option<u64>,
    pub(super) time: Option<Instant>,
}

/// How an event's number compares with the numbers before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbering {
    /// It has no number, is the first one, or follows the highest one.
    InOrder,
    /// The numbers in between have not arrived.
    AfterGap { first: u64, last: u64 },
    /// It had not arrived, although a higher one had.
    Late,
    /// It had arrived before.
    Repeat,
    /// The counter has restarted.
    Restart,
}

/// How many events are remembered with their details.
pub(super) const RECENT: usize = 256;

/// If a number is so far below the highest one, a server that retries will not send it any more.
pub(super) const FAR: u64 = 1024;

/// Servers may number simultaneous events in any order.
const ALLOWANCE: Duration = Duration::from_secs(1);

impl Sequence {
    /// Records an event. `counted` is the number of events so far, when the server sent the notification.
    pub(super) fn event(&mut self, said: Option<Said>, counted: Option<u64>) -> Numbering {
        self.counts.received += 1;
        let Some(said) = said else { return Numbering::InOrder };
        let number = said.number;
        let Some(epoch) = &mut self.epoch else {
            self.epoch = Some(Epoch::beginning_with(said));
            return Numbering::InOrder;
        };
        if number > epoch.highest {
            let gap = epoch.advance(number - 1);
            epoch.highest = number;
            epoch.remember(said);
            return gap.map_or(Numbering::InOrder, |(first, last)| Numbering::AfterGap { first, last });
        }
        if epoch.is_passed_by(&said, counted) {
            self.begin_anew(said, true);
            return Numbering::Restart;
        }
        if epoch.is_far_from(&said, counted) {
            self.end_epoch(Epoch::beginning_with(said));
            return Numbering::Restart;
        }
        let is_new = epoch.gaps.fill(number) || (number < epoch.first && epoch.known(number).is_none());
        epoch.remember(said);
        if is_new {
            return Numbering::Late;
        }
        self.counts.repeats += 1;
        Numbering::Repeat
    }

    /// Records an event of a gap, after the server was asked for it.
    pub(super) fn found(&mut self, said: Said) {
        self.counts.received += 1;
        if let Some(epoch) = &mut self.epoch
            && epoch.gaps.fill(said.number)
        {
            epoch.remember(said);
        }
    }

    /// Records the server's event with a known number. If it is another event than ours, the counter has
    /// restarted and passed the old number. Then the events before it are missing, and this event too.
    /// Returns whether it is so.
    pub(super) fn overtaken(&mut self, said: Said) -> bool {
        let known = self.epoch.as_ref().and_then(|epoch| epoch.known(said.number));
        let is_another = known.is_some_and(|known| known.may_be_followed_by(&said));
        if is_another {
            self.begin_anew(said, false);
        }
        is_another
    }

    /// The number before a gap, if we know its event.
    pub(super) fn before(&self, gap: &Range) -> Option<u64> {
        let known = self.epoch.as_ref()?.known(gap.start().checked_sub(1)?)?;
        (known.focus.is_some() || known.time.is_some()).then_some(known.number)
    }

    /// Begins a new counter with `said`; `has_come` says whether that event has arrived itself.
    fn begin_anew(&mut self, said: Said, has_come: bool) {
        let mut epoch = Epoch::after(0);
        epoch.first = epoch.first.min(said.number);
        // Later events with higher numbers were attributed to the old counter.
        let is_later = |known: &&Said| {
            let times = said.time.zip(known.time);
            known.number > said.number && times.is_some_and(|(said, known)| said.since(known) <= ALLOWANCE)
        };
        let recent = self.epoch.iter().flat_map(|epoch| &epoch.recent).filter(is_later).copied();
        let mut came: Vec<_> = recent.chain(has_come.then_some(said)).collect();
        sorted::by_key(&mut came, |said| said.number);
        for said in came {
            epoch.advance(said.number.saturating_sub(1));
            epoch.highest = said.number;
            epoch.remember(said);
        }
        epoch.advance(said.number);
        self.end_epoch(epoch);
    }

    fn end_epoch(&mut self, next: Epoch) {
        if let Some(epoch) = self.epoch.replace(next) {
            self.counts.restarts += 1;
            self.counts.lost = self.counts.lost.saturating_add(epoch.gaps.all());
        }
    }

    /// Records the number of events so far from a notification without events.
    pub(super) fn count(&mut self, counted: u64, is_handshake: bool) -> Numbering {
        match &mut self.epoch {
            None => {
                self.epoch = Some(Epoch::after(counted));
                Numbering::InOrder
            }
            Some(epoch) if counted < epoch.highest && is_handshake => {
                self.end_epoch(Epoch::after(counted));
                Numbering::Restart
            }
            Some(epoch) => {
                let gap = epoch.advance(counted);
                gap.map_or(Numbering::InOrder, |(first, last)| Numbering::AfterGap { first, last })
            }
        }
    }

    pub(super) fn gaps(&self) -> Option<&Gaps> {
        self.epoch.as_ref().map(|epoch| &epoch.gaps)
    }

    pub(super) fn gaps_mut(&mut self) -> Option<&mut Gaps> {
        self.epoch.as_mut().map(|epoch| &mut epoch.gaps)
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            last_number: self.epoch.as_ref().map(|epoch| epoch.highest),
            gaps: self.gaps().map_or(0, Gaps::count),
            missing: self.gaps().map_or(0, Gaps::missing),
            lost: self.counts.lost.saturating_add(self.gaps().map_or(0, Gaps::lost)),
            ..self.counts
        }
    }
}

impl Epoch {
    fn beginning_with(said: Said) -> Self {
        let mut epoch = Self { first: said.number, ..Self::after(said.number) };
        epoch.remember(said);
        epoch
    }

    /// A counter with unknown events up to this number.
    fn after(counted: u64) -> Self {
        Self {
            first: counted.saturating_add(1),
            highest: counted,
            newest: None,
            gaps: Gaps::default(),
            recent: VecDeque::new(),
        }
    }

    /// Records that there have been events up to `number`, which is not lower than the known ones. The events
    /// in between are a gap.
    fn advance(&mut self, number: u64) -> Option<(u64, u64)> {
        let first = self.highest.checked_add(1).filter(|first| *first <= number)?;
        self.gaps.open(first, number);
        self.highest = number;
        Some((first, number))
    }

    fn remember(&mut self, said: Said) {
        self.newest = self.newest.max(said.time.map(|time| (time, said.number)));
        self.recent.retain(|known| known.number != said.number);
        self.recent.push_back(said);
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    fn known(&self, number: u64) -> Option<&Said> {
        self.recent.iter().find(|known| known.number == number)
    }

    /// Whether the known events show that this event, which is not the next one, belongs to another counter.
    fn is_passed_by(&self, said: &Said, counted: Option<u64>) -> bool {
        let known = self.known(said.number);
        if known.is_some_and(|known| known.is_followed_by(said)) {
            return true;
        }
        if self.goes_on(counted) {
            return false;
        }
        if let Some(is_same) = known.and_then(|known| known.is_same(said)) {
            return !is_same;
        }
        self.is_after_higher(said).unwrap_or(false)
    }

    /// Whether the number is so low that it must belong to another counter, if nothing else decides.
    fn is_far_from(&self, said: &Said, counted: Option<u64>) -> bool {
        let is_known = self.known(said.number).and_then(|known| known.is_same(said)).is_some();
        let is_shown = is_known || self.is_after_higher(said).is_some() || self.goes_on(counted);
        !is_shown && said.number.saturating_add(FAR) < self.highest && !self.gaps.contains(said.number)
    }

    fn goes_on(&self, counted: Option<u64>) -> bool {
        counted.is_some_and(|counted| counted >= self.highest)
    }

    /// Whether the event happened after an event with a higher number; `None` if unknown.
    fn is_after_higher(&self, said: &Said) -> Option<bool> {
        let (time, (newest, number)) = said.time.zip(self.newest)?;
        (said.number <= number).then(|| time.since(newest) > ALLOWANCE)
    }
}

impl Said {
    /// Whether the other event with the same number is certainly another one: it has another resource and a
    /// later time.
    fn is_followed_by(&self, other: &Self) -> bool {
        let is_later = self.time.zip(other.time).map(|(one, other)| other.since(one) > ALLOWANCE);
        (both(self.focus, other.focus), is_later) == (Some(false), Some(true))
    }

    /// The same, if one of them lacks a time or a resource.
    fn may_be_followed_by(&self, other: &Self) -> bool {
        let is_later = self.time.zip(other.time).map(|(one, other)| other.since(one) > ALLOWANCE);
        match both(self.focus, other.focus) {
            Some(true) => false,
            Some(false) => is_later != Some(false),
            None => is_later == Some(true),
        }
    }

    /// Whether both are the same event; `None` if they have no detail in common.
    fn is_same(&self, other: &Self) -> Option<bool> {
        let times = self.time.zip(other.time);
        let at_once = times.map(|(one, other)| one.since(other).max(other.since(one)) <= ALLOWANCE);
        // A server that retries may read the resource again, and send a later version.
        let of_one_version = || both(self.version, other.version);
        let parts = [both(self.focus, other.focus), at_once.or_else(of_one_version)];
        parts.into_iter().flatten().reduce(|all, one| all && one)
    }
}

fn both(one: Option<u64>, other: Option<u64>) -> Option<bool> {
    one.zip(other).map(|(one, other)| one == other)
}

impl Numbering {
    pub(crate) fn is_in_order(self) -> bool {
        self == Self::InOrder
    }
}

/// The form in the log.
impl fmt::Display for Numbering {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InOrder => formatter.write_str("in order"),
            Self::AfterGap { first, last } if first == last => write!(formatter, "gap {first}"),
            Self::AfterGap { first, last } => write!(formatter, "gap {first}-{last}"),
            Self::Late => formatter.write_str("late"),
            Self::Repeat => formatter.write_str("repeat"),
            Self::Restart => formatter.write_str("restart"),
        }
    }
}

#[cfg(test)]
mod tests;
