//! [`LookUp`]: the resources that searches have already found, and the page where the next search goes on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::client::Place;
use crate::fhir::Instant;

/// The look-ups of each endpoint.
#[derive(Debug, Default)]
pub(crate) struct LookUps(Mutex<HashMap<&'static str, Arc<tokio::sync::Mutex<LookUp>>>>);

impl LookUps {
    /// The look-up of an endpoint, for one notification at a time.
    pub(crate) fn of(&self, endpoint: &'static str) -> Arc<tokio::sync::Mutex<LookUp>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(endpoint).or_default())
    }
}

/// The resources that searches have already found, and the moment from which the next search looks.
///
/// All times are values of `meta.lastUpdated`, by the server's clock.
#[derive(Debug, Default)]
pub(crate) struct LookUp {
    since: Option<Instant>,
    /// Everything from this moment until `since` has been looked at.
    from: Option<Instant>,
    /// The handled versions from this time or later.
    handled: HashMap<Version, Instant>,
    pass: Pass,
}

/// A pass over all pages of a search, by as many notifications as it takes.
#[derive(Debug, Default)]
struct Pass {
    /// The next page; `None` for the first page.
    place: Option<Place>,
    /// When its search began, by the server's clock. `None` if the server does not say its time.
    searched: Option<Instant>,
    /// When the first pass began: later changes are left to the next search.
    begun: Option<Instant>,
    /// The newest change that is settled.
    newest: Option<Instant>,
    /// The oldest change that must come again.
    unsettled: Option<Instant>,
    /// How many earlier passes over the same pages have ended.
    passes: u32,
    /// Whether this pass handled a change that the first pass should have shown.
    is_new: bool,
}

/// One version of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Version {
    /// `Encounter/1`
    pub(crate) reference: String,
    /// Its version id, or if the server has none, the time of its last change.
    pub(crate) version: String,
}

/// How long before its first notification an instance looks, if the notification does not say when its event
/// happened. A server that retries does so for some minutes, and HAPI, which does not retry, notifies within
/// seconds.
const BEGINNING: Duration = Duration::from_secs(5 * 60);

/// The longest time before a notification that is searched. A sweep must find older changes.
const EARLIEST: Duration = Duration::from_secs(24 * 60 * 60);

/// How long before the newest handled resource the next search begins: a transaction may become visible, or a
/// search index be written, later than a newer change.
const OVERLAP: Duration = Duration::from_secs(2 * 60);

/// The most passes over the same pages.
const PASSES: u32 = 4;

/// The most versions that are remembered. Past this limit, the oldest are forgotten, and may be handled
/// again: we prefer a duplicate to a loss.
const MAXIMUM: usize = 10_000;

impl LookUp {
    /// The moment from which to look. `now` is the arrival of the notification, and `told` is the time of its
    /// first event, if it says so.
    pub(crate) fn since(&mut self, now: Instant, told: Option<Instant>) -> Instant {
        let beginning = now.before(BEGINNING);
        let told = told.map(|told| told.before(OVERLAP).max(now.before(EARLIEST)));
        let from = told.map_or(beginning, |told| told.min(beginning));
        // If an old notification is retried, the time that was already looked at is not searched again.
        if self.from.is_none_or(|known| told.is_some_and(|told| told < known)) {
            self.from = Some(from);
            self.since = Some(from);
            self.pass = Pass::default();
        }
        self.since.unwrap_or(from)
    }

    /// The next page, if an earlier notification could not read all pages.
    pub(crate) fn place(&self) -> Option<&Place> {
        self.pass.place.as_ref()
    }

    /// When the search of the [next page](Self::place) began, by the server's clock.
    pub(crate) fn searched(&self) -> Option<Instant> {
        self.pass.searched
    }

    /// Records that a search begins with its first page, where it finds the unsettled changes again. `now` is the arrival of
    /// the notification, and `searched` is the time of the search by the server's clock.
    pub(crate) fn begin(&mut self, now: Instant, searched: Option<Instant>) {
        let pass = &mut self.pass;
        (pass.place, pass.searched, pass.unsettled) = (None, searched, None);
        if pass.passes == 0 {
            pass.begun = Some(searched.map_or(now, |searched| searched.min(now)));
        }
    }

    pub(crate) fn is_handled(&self, version: &Version) -> bool {
        self.handled.contains_key(version)
    }

    /// Records that a change is settled. `now` stands for the time of a change without one.
    pub(crate) fn settled(&mut self, version: Option<Version>, updated: Option<Instant>, now: Instant) {
        self.pass.newest = self.pass.newest.max(updated);
        if let Some(version) = version {
            self.handled(version, updated.unwrap_or(now));
        }
    }

    /// Records that a handler has run for a change. If an earlier pass should have shown the change, the pages have shifted.
    pub(crate) fn ran(&mut self, updated: Option<Instant>) {
        let pass = &mut self.pass;
        pass.is_new |= pass.passes > 0 && updated.is_some() && updated <= pass.begun;
    }

    /// Records that a change must come again.
    pub(crate) fn unsettled(&mut self, updated: Option<Instant>) {
        let updated = updated.or(self.since);
        self.pass.unsettled = [self.pass.unsettled, updated].into_iter().flatten().min();
    }

    /// Records where the next notification goes on.
    pub(crate) fn go_on_at(&mut self, place: Option<Place>) {
        self.pass.place = place;
    }

    /// Ends a pass that has read all pages. The next search begins at the newest settled change, at the beginning of the first
    /// pass, or at a change that must come again: at the earliest of them, less the overlap. Returns the moment without the
    /// overlap.
    pub(crate) fn end(&mut self) -> Option<Instant> {
        let Pass { begun, newest, unsettled, .. } = std::mem::take(&mut self.pass);
        let until = [begun, unsettled].into_iter().flatten().fold(newest?, Instant::min);
        self.advance(until);
        Some(until)
    }

    /// Ends a pass that an earlier notification began. Returns `None` if another pass must read the pages from the
    /// same moment.
    ///
    /// Pages may have shifted between the notifications. So the first pass does not move the position, and more passes
    /// follow until one of them shows nothing new.
    pub(crate) fn end_earlier(&mut self) -> Option<Instant> {
        let Pass { begun, newest, passes, is_new, .. } = self.pass;
        let passes = passes + 1;
        if passes >= PASSES || (passes > 1 && !is_new) {
            return self.end();
        }
        self.pass = Pass { begun, newest, passes, ..Pass::default() };
        None
    }

    fn handled(&mut self, version: Version, updated: Instant) {
        self.handled.insert(version, updated);
        if self.handled.len() > MAXIMUM {
            let mut times: Vec<_> = self.handled.values().copied().collect();
            let (_, oldest, _) = times.select_nth_unstable(MAXIMUM / 4);
            let (oldest, mut surplus) = (*oldest, MAXIMUM / 4);
            self.handled.retain(|_, updated| {
                let is_kept = *updated > oldest || surplus == 0;
                surplus -= usize::from(!is_kept);
                is_kept
            });
        }
    }

    /// Records that everything that changed up to `updated` is handled.
    fn advance(&mut self, updated: Instant) {
        let since = self.since.max(Some(updated.before(OVERLAP)));
        self.since = since;
        self.handled.retain(|_, updated| Some(*updated) >= since);
    }
}

#[cfg(test)]
mod tests;
