//! [`Round`]: the state of a search over several pages, passes and sweeps.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::delivery::Ended;
use crate::fhir::Instant;
use crate::memory::Version;
use crate::store::Round;
use crate::sweep::handling::is_settled;

/// After so many resources that are each newer than the one before, the order is taken for intended.
const RISES: u64 = 20;

/// So many passes show a resource that moves to other pages, although some passes miss it.
const ENOUGH: u32 = 7;

impl Round {
    pub(super) fn new(question: String, from: Instant, here: Instant) -> Self {
        Self {
            question,
            from,
            place: None,
            passes: 0,
            pages: 0,
            entries: 0,
            started: here,
            begun: None,
            before: None,
            shown: 0,
            shown_before: None,
            is_new: false,
            unsettled: None,
            is_unsettled_anywhere: false,
            reached: None,
            confirmed: None,
            rises: 0,
            is_unsorted: false,
            restarts: 0,
            origin: None,
            late: 0,
        }
    }

    /// Restarts the search from another moment. Unsettled resources stay unsettled.
    pub(super) fn begin_anew(&mut self, from: Instant, here: Instant) {
        let before = std::mem::replace(self, Self::new(self.question.clone(), from, here));
        (self.unsettled, self.is_unsettled_anywhere) = (before.unsettled, before.is_unsettled_anywhere);
    }

    /// Goes back to the first page of its search. Unsettled resources stay unsettled.
    pub(super) fn again(&mut self, here: Instant) {
        (self.place, self.pages, self.entries, self.started, self.begun) = (None, 0, 0, here, None);
        if self.origin.is_none() {
            self.shown = 0;
        }
        (self.reached, self.confirmed, self.rises, self.is_unsorted) = (None, None, 0, false);
    }

    /// Begins the next pass, from where the round began.
    pub(super) fn next_pass(&mut self, here: Instant) {
        self.passes += 1;
        (self.before, self.is_new) = (self.before.or(self.begun), false);
        self.shown_before = Some(self.shown);
        self.from = self.origin.take().unwrap_or(self.from);
        self.again(here);
    }

    /// Whether so many different moments in ascending order suggest that the server sorts, and that later
    /// pages have nothing older.
    pub(super) fn may_skip(&self) -> bool {
        !self.is_unsorted
            && self.rises >= RISES
            && self.confirmed.is_some_and(|confirmed| confirmed > self.from)
    }

    /// Continues the pass from the newest confirmed moment, if it [may](Self::may_skip) and the server was seen
    /// to sort. This is for pages that cannot be read in another way.
    ///
    /// The pages before that moment may have shifted while they were read, so the next pass reads them again.
    pub(super) fn skip(&mut self, here: Instant) -> bool {
        let Some(confirmed) = self.confirmed.filter(|_| self.may_skip()) else { return false };
        self.origin = self.origin.or(Some(self.from));
        self.from = confirmed;
        self.again(here);
        true
    }

    /// Takes in the times of a page, in its order. Changes since the pass began may stand anywhere.
    pub(super) fn order(&mut self, times: &[Option<Instant>]) {
        if !times.is_empty() {
            self.confirmed = self.reached;
        }
        for time in times {
            let Some(time) = *time else {
                self.is_unsorted = true;
                continue;
            };
            if self.begun.is_some_and(|begun| time >= begun) {
                continue;
            }
            match self.reached {
                Some(reached) if time < reached => self.is_unsorted = true,
                Some(reached) if time > reached => self.rises += 1,
                _ => {}
            }
            self.reached = self.reached.max(Some(time));
        }
    }

    /// Takes in a version that a page shows.
    pub(super) fn shows(&mut self, version: &Version, updated: Option<Instant>) {
        let limit = self.before.or(self.begun);
        if limit.is_none() || updated.is_none() || updated <= limit {
            let mut hasher = DefaultHasher::new();
            version.hash(&mut hasher);
            self.shown = self.shown.wrapping_add(hasher.finish());
        }
    }

    /// Takes in the end of a resource that changed at that time.
    pub(super) fn ended(&mut self, updated: Option<Instant>, ended: Ended) {
        if !is_settled(ended) {
            self.leaves([updated]);
        }
        // The pass before should have shown it: the pages shifted while it read them.
        let is_of_before = updated.is_none() || self.before.is_none() || updated <= self.before;
        if self.passes > 0 && is_of_before && matches!(ended, Ended::Handled | Ended::Dead) {
            self.is_new = true;
        }
    }

    /// Takes in the times of resources that are left unsettled: a sweep tries each once.
    pub(super) fn leaves(&mut self, times: impl IntoIterator<Item = Option<Instant>>) {
        for updated in times {
            match updated {
                Some(updated) => {
                    self.unsettled = Some(self.unsettled.map_or(updated, |oldest| oldest.min(updated)));
                }
                None => self.is_unsettled_anywhere = true,
            }
        }
    }

    pub(super) fn has_settled_all(&self) -> bool {
        self.unsettled.is_none() && !self.is_unsettled_anywhere
    }

    /// Whether everything has been seen. A single page is complete. With several pages, a resource that changes leaves its page, and
    /// another one moves to a page that was already read. So two passes in a row must show the same old resources: then none of
    /// them has left its page meanwhile. Old resources are those from before the first pass.
    ///
    /// If the server's resources change too fast for that, enough passes do, once one shows nothing new.
    pub(super) fn is_whole(&self) -> bool {
        let is_same = self.passes > 0 && self.shown_before == Some(self.shown);
        self.is_one_page() || is_same || (self.passes >= ENOUGH && !self.is_new)
    }

    /// Whether this pass had a single page. If it has [skipped](Self::skip), it had more.
    fn is_one_page(&self) -> bool {
        self.pages <= 1 && self.origin.is_none()
    }

    /// The moment before which everything is settled, once the round [is whole](Self::is_whole).
    pub(super) fn settled(&self) -> Option<Instant> {
        self.settled_of(if self.is_one_page() { self.begun } else { self.before })
    }

    /// The same, if everything up to `seen` has been seen.
    pub(super) fn settled_of(&self, seen: Option<Instant>) -> Option<Instant> {
        let settled = seen.map(|seen| self.unsettled.map_or(seen, |oldest| oldest.min(seen)));
        settled.filter(|_| !self.is_unsettled_anywhere)
    }
}
