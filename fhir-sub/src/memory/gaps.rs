//! [`Gaps`]: the numbers of missing events.

use std::ops::RangeInclusive;

/// The numbers of missing events, and how often the server was asked for them.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    /// In order, and without overlap.
    gaps: Vec<Gap>,
    /// How many numbers were dropped because there were too many gaps.
    lost: u64,
}

#[derive(Clone, Copy, Debug)]
struct Gap {
    first: u64,
    last: u64,
    tries: u8,
    /// Whether a notification is asking the server for it.
    is_claimed: bool,
}

/// The numbers from the first to the last.
pub(crate) type Range = RangeInclusive<u64>;

impl Gaps {
    /// The most gaps that are remembered. Beyond that, the oldest unclaimed gap is dropped.
    pub(super) const MAXIMUM: usize = 64;

    /// How many ranges one claim has. Each range is a request.
    pub(super) const AT_ONCE: usize = 16;

    /// How often the server is asked for a missing event.
    pub(super) const TRIES: u8 = 5;

    /// Adds missing numbers, which are all above the known ones.
    pub(super) fn open(&mut self, first: u64, last: u64) {
        match self.gaps.last_mut() {
            Some(before) if before.last.saturating_add(1) == first && before.is_untouched() => {
                before.last = last;
            }
            _ => self.gaps.push(Gap { first, last, tries: 0, is_claimed: false }),
        }
        self.keep_to_maximum();
    }

    /// Removes a number that has arrived. Returns whether it was missing.
    pub(super) fn fill(&mut self, number: u64) -> bool {
        let Some(place) = self.place(number) else { return false };
        let gap = self.gaps[place];
        let before = (gap.first < number).then(|| Gap { last: number - 1, ..gap });
        let after = (number < gap.last).then(|| Gap { first: number + 1, ..gap });
        self.gaps.splice(place..=place, before.into_iter().chain(after));
        self.keep_to_maximum();
        true
    }

    pub(super) fn contains(&self, number: u64) -> bool {
        self.place(number).is_some()
    }

    fn place(&self, number: u64) -> Option<usize> {
        let place = self.gaps.partition_point(|gap| gap.last < number);
        self.gaps.get(place).filter(|gap| gap.first <= number).map(|_| place)
    }

    /// Whether the server can be asked for a gap.
    pub(super) fn can_be_asked_for(&self) -> bool {
        self.gaps.iter().any(Gap::can_be_asked_for)
    }

    /// Claims numbers to ask the server for: at most `maximum` numbers in at most [`AT_ONCE`](Self::AT_ONCE)
    /// ranges, lowest first. Nobody else can claim them until they are [given back](Self::give_back). A gap
    /// is split only if there is room to remember the rest.
    pub(super) fn claim(&mut self, maximum: u64) -> Vec<Range> {
        let (mut claimed, mut left) = (Vec::new(), maximum);
        let mut place = 0;
        while left > 0 && place < self.gaps.len() && claimed.len() < Self::AT_ONCE {
            let has_room = self.gaps.len() < Self::MAXIMUM;
            let gap = &mut self.gaps[place];
            let last = gap.last.min(gap.first.saturating_add(left - 1));
            if gap.can_be_asked_for() && (last == gap.last || has_room) {
                let rest = (last < gap.last).then(|| Gap { first: last + 1, ..*gap });
                (gap.last, gap.is_claimed) = (last, true);
                left -= last - gap.first + 1;
                claimed.push(gap.first..=last);
                if let Some(rest) = rest {
                    self.gaps.insert(place + 1, rest);
                }
            }
            place += 1;
        }
        claimed
    }

    /// Counts a try for a claimed range.
    pub(super) fn ask(&mut self, range: &Range) {
        self.claimed(range).for_each(|gap| gap.tries = gap.tries.saturating_add(1));
    }

    /// Records that the server has no more events of a claimed range.
    pub(super) fn give_up(&mut self, range: &Range) {
        self.claimed(range).for_each(|gap| gap.tries = Self::TRIES);
    }

    /// Lets others claim what is still missing of a claimed range.
    pub(super) fn give_back(&mut self, range: &Range) {
        self.claimed(range).for_each(|gap| gap.is_claimed = false);
        self.keep_to_maximum();
    }

    fn claimed<'g>(&'g mut self, range: &'g Range) -> impl Iterator<Item = &'g mut Gap> {
        self.gaps.iter_mut().filter(|gap| gap.is_claimed && range.contains(&gap.first))
    }

    fn keep_to_maximum(&mut self) {
        let mut surplus = self.gaps.len().saturating_sub(Self::MAXIMUM);
        self.gaps.retain(|gap| {
            let is_kept = surplus == 0 || gap.is_claimed;
            if !is_kept {
                surplus -= 1;
                self.lost = self.lost.saturating_add(gap.length());
            }
            is_kept
        });
    }

    pub(super) fn count(&self) -> usize {
        self.gaps.len()
    }

    pub(super) fn missing(&self) -> u64 {
        self.gaps.iter().fold(0, |sum, gap| sum.saturating_add(gap.length()))
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// The missing numbers, and the dropped ones.
    pub(super) fn all(&self) -> u64 {
        self.missing().saturating_add(self.lost)
    }
}

impl Gap {
    fn length(&self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }

    fn is_untouched(&self) -> bool {
        self.tries == 0 && !self.is_claimed
    }

    fn can_be_asked_for(&self) -> bool {
        !self.is_claimed && self.tries < Gaps::TRIES
    }
}
