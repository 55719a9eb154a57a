//! [`Sequence`]: the numbers that one Subscription has given its events, as far as they came here.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::gaps::{Gaps, Range};
use crate::fhir::Instant;

/// The numbers that one Subscription has given its events, as far as they came here.
///
/// A server counts the events of a Subscription from 1, and says of each its number, and with each notification how
/// many there have been (`eventsSinceSubscriptionStart`). From these it can be known, of an event with a number
///
/// - that is the next one: all is in order;
/// - that is higher: there is a gap, of events that have not come. They may yet, since several notifications are under way
///   at once: a number that comes late fills its gap;
/// - that is not higher, and is in no gap: it came before, and is repeated; or it is of before the first one that came
///   here, and is late; or the counter has begun anew.
///
/// That the counter has begun anew is told from a repetition by the first of these that says anything:
///
/// 1. the number was lately that of an event about another resource, and this one happened later: it has;
/// 2. the server has counted as many events as here, or more: it has not;
/// 3. the number was lately that of another event, which happened at another time or was about another resource (or
///    version, where no time is known): it has; of the same event: it has not;
/// 4. the event happened after one of a higher number that came: it has; before: it has not;
/// 5. the number is far below the highest, and is in no gap: it has.
///
/// So `eventsSinceSubscriptionStart` shows only that a counter goes on: what is lower may be a notification of before
/// that is sent again as it was, and one that has begun anew may have passed where it was. Times are held against each other with a second's allowance, and only where they are
/// instants: HAPI's of R4 are days. What nothing is known of counts as a repetition, which costs the least: until the new
/// counter has reached the old one, gaps go unseen. A counter that was ahead of the old one before anything of it came
/// here is told from it where a gap is asked for: the server is asked for the number before the gap, too, and has another event
/// [under it](Self::overtaken).
///
/// A handshake is sent when the counter has just begun, or goes on after a pause: it says where. So one that says less
/// than what came announces a new counter; one that says more shows a gap. A heartbeat that says more shows a gap, too; one that
/// says less was overtaken by an event.
///
/// The first number that comes, or the first count, is simply the beginning: nothing is claimed to be missing before it. When a
/// handshake or a far lower number says that the counter has begun anew, the same holds of the new one; when an event shows it, what
/// is before that event is missing, as far as it did not come. What was missing of the old one can be asked for no more.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    epoch: Option<Epoch>,
    pub(super) counts: Counts,
}

/// From where a counter began to where it begins anew.
#[derive(Debug)]
struct Epoch {
    /// All numbers from this one on came, up to the highest, but those in the gaps.
    first: u64,
    highest: u64,
    /// The event that happened last of those that came: its time and number.
    newest: Option<(Instant, u64)>,
    gaps: Gaps,
    /// The last events that came.
    recent: VecDeque<Said>,
}

/// What was counted of one Subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// The events that came, repeated ones among them, and those without a number.
    pub(crate) received: u64,
    /// The highest number that came, or that the server said there has been.
    pub(crate) last_number: Option<u64>,
    /// Gaps whose events have not come.
    pub(crate) gaps: usize,
    /// How many events they have in all.
    pub(crate) missing: u64,
    /// How many events never came, and can be asked for no more: the counter has begun anew, or there were too many gaps.
    pub(crate) lost: u64,
    pub(crate) repeats: u64,
    pub(crate) restarts: u64,
    /// Events that no handler ran on, since the server said that their resource is gone.
    pub(crate) gone: u64,
}

/// What an event says of itself, of which a number alone is no more than its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) number: u64,
    /// The resource that it is about, as a hash.
    pub(super) focus: Option<u64>,
    /// Its version, as a hash.
    pub(super) version: Option<u64>,
    pub(super) time: Option<Instant>,
}

/// What an event's number is among those that came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbering {
    /// It has none, is the first, or follows upon the highest.
    InOrder,
    /// The numbers between did not come.
    AfterGap { first: u64, last: u64 },
    /// It did not come before, and a higher one did.
    Late,
    /// It came before.
    Repeat,
    /// The counter has begun anew.
    Restart,
}

/// How many events are remembered for themselves.
pub(super) const RECENT: usize = 256;

/// A number so far below the highest is not waited for any more by a server that sends again.
pub(super) const FAR: u64 = 1024;

/// Servers number events that happen at once in any order.
const ALLOWANCE: Duration = Duration::from_secs(1);

impl Sequence {
    /// Takes in an event; `counted` is how many the server says that there have been, when it sent the notification.
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

    /// Takes in an event of a gap, for which the server was asked.
    pub(super) fn found(&mut self, said: Said) {
        self.counts.received += 1;
        if let Some(epoch) = &mut self.epoch
            && epoch.gaps.fill(said.number)
        {
            epoch.remember(said);
        }
    }

    /// Takes in what the server has under a number that came. Where that is another event, the counter has begun anew and
    /// passed where it was: what is before is missing then, this event too. Whether it is so.
    pub(super) fn overtaken(&mut self, said: Said) -> bool {
        let known = self.epoch.as_ref().and_then(|epoch| epoch.known(said.number));
        let is_another = known.is_some_and(|known| known.may_be_followed_by(&said));
        if is_another {
            self.begin_anew(said, false);
        }
        is_another
    }

    /// The number before a gap, where it is known which event that was.
    pub(super) fn before(&self, gap: &Range) -> Option<u64> {
        let known = self.epoch.as_ref()?.known(gap.start().checked_sub(1)?)?;
        (known.focus.is_some() || known.time.is_some()).then_some(known.number)
    }

    /// The counter of before has ended, and `said` is of the new one; `has_come` is whether it has come itself.
    fn begin_anew(&mut self, said: Said, has_come: bool) {
        let mut epoch = Epoch::after(0);
        epoch.first = epoch.first.min(said.number);
        // Higher numbers of what happened later passed for those of the old one.
        let is_later = |known: &&Said| {
            let times = said.time.zip(known.time);
            known.number > said.number && times.is_some_and(|(said, known)| said.since(known) <= ALLOWANCE)
        };
        let recent = self.epoch.iter().flat_map(|epoch| &epoch.recent).filter(is_later).copied();
        let mut came: Vec<_> = recent.chain(has_come.then_some(said)).collect();
        came.sort_by_key(|said| said.number);
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

    /// Takes in how many events the server says that there have been, in a notification of none.
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

    /// Of which the events up to this number are not known.
    fn after(counted: u64) -> Self {
        Self {
            first: counted.saturating_add(1),
            highest: counted,
            newest: None,
            gaps: Gaps::default(),
            recent: VecDeque::new(),
        }
    }

    /// There have been events up to `number`, which is no lower than what came: those between are a gap, if there are any.
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

    /// Whether the event, whose number is none of the next, is shown by what came to be of another counter.
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

    /// Whether the number is so low that it is taken for one of another counter, where nothing shows whose it is.
    fn is_far_from(&self, said: &Said, counted: Option<u64>) -> bool {
        let is_known = self.known(said.number).and_then(|known| known.is_same(said)).is_some();
        let is_shown = is_known || self.is_after_higher(said).is_some() || self.goes_on(counted);
        !is_shown && said.number.saturating_add(FAR) < self.highest && !self.gaps.contains(said.number)
    }

    fn goes_on(&self, counted: Option<u64>) -> bool {
        counted.is_some_and(|counted| counted >= self.highest)
    }

    /// Whether the event happened after one of a higher number; `None` where that is not known.
    fn is_after_higher(&self, said: &Said) -> Option<bool> {
        let (time, (newest, number)) = said.time.zip(self.newest)?;
        (said.number <= number).then(|| time.since(newest) > ALLOWANCE)
    }
}

impl Said {
    /// Whether the other, of the same number, is certainly another: about another resource, and of a later time.
    fn is_followed_by(&self, other: &Self) -> bool {
        let is_later = self.time.zip(other.time).map(|(one, other)| other.since(one) > ALLOWANCE);
        (both(self.focus, other.focus), is_later) == (Some(false), Some(true))
    }

    /// The same, where one does not say when it happened, or what it is about.
    fn may_be_followed_by(&self, other: &Self) -> bool {
        let is_later = self.time.zip(other.time).map(|(one, other)| other.since(one) > ALLOWANCE);
        match both(self.focus, other.focus) {
            Some(true) => false,
            Some(false) => is_later != Some(false),
            None => is_later == Some(true),
        }
    }

    /// Whether both are of one event; `None` where they say nothing in common.
    fn is_same(&self, other: &Self) -> Option<bool> {
        let times = self.time.zip(other.time);
        let at_once = times.map(|(one, other)| one.since(other).max(other.since(one)) <= ALLOWANCE);
        // A server that sends again may read the resource again, and send a later version of it.
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

/// As the log has it.
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
