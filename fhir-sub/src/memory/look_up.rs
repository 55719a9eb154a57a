//! [`LookUp`]: what a search for changed resources has found already.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::fhir::Instant;

/// The look-ups of each endpoint.
#[derive(Debug, Default)]
pub(crate) struct LookUps(Mutex<HashMap<&'static str, Arc<tokio::sync::Mutex<LookUp>>>>);

impl LookUps {
    /// That of an endpoint, for one notification at a time.
    pub(crate) fn of(&self, endpoint: &'static str) -> Arc<tokio::sync::Mutex<LookUp>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(endpoint).or_default())
    }
}

/// What a search for changed resources has found already, and from when on the next one looks.
///
/// Times are those of `meta.lastUpdated`, by the server's clock.
#[derive(Debug, Default)]
pub(crate) struct LookUp {
    since: Option<Instant>,
    /// From when on all was looked at, up to `since`.
    from: Option<Instant>,
    /// What was handled of that time or a later one.
    handled: HashMap<Version, Instant>,
}

/// One version of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Version {
    /// `Encounter/1`
    pub(crate) reference: String,
    /// Its version, or where the server has none, when it was last changed.
    pub(crate) version: String,
}

/// How long before its first notification an instance looks, where that does not say when its event happened: a server
/// that tries again does so for some minutes, and HAPI, which does not, tells within seconds.
const BEGINNING: Duration = Duration::from_secs(5 * 60);

/// How long before a notification it looks at most, whatever that says. What is older is for a sweep to find.
const EARLIEST: Duration = Duration::from_secs(24 * 60 * 60);

/// How long before the newest resource that was handled it looks from then on: a transaction may become visible, or a search
/// index be written, after a younger one.
const OVERLAP: Duration = Duration::from_secs(2 * 60);

/// The most versions that are remembered. Of more, the oldest are forgotten, and may be handled once more: rather that
/// than not at all.
const MAXIMUM: usize = 10_000;

impl LookUp {
    /// From when on to look; `now` is when the notification came, and `told` when the first of its events happened, if
    /// it says so.
    pub(crate) fn since(&mut self, now: Instant, told: Option<Instant>) -> Instant {
        let beginning = now.before(BEGINNING);
        let told = told.map(|told| told.before(OVERLAP).max(now.before(EARLIEST)));
        let from = told.map_or(beginning, |told| told.min(beginning));
        // What was looked at is not looked at again each time that a notification of long ago is sent again.
        if self.from.is_none_or(|known| told.is_some_and(|told| told < known)) {
            self.from = Some(from);
            self.since = Some(from);
        }
        self.since.unwrap_or(from)
    }

    pub(crate) fn is_handled(&self, version: &Version) -> bool {
        self.handled.contains_key(version)
    }

    pub(crate) fn handled(&mut self, version: Version, updated: Instant) {
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

    /// All that was changed up to `updated` is handled.
    pub(crate) fn advance(&mut self, updated: Instant) {
        let since = self.since.max(Some(updated.before(OVERLAP)));
        self.since = since;
        self.handled.retain(|_, updated| Some(*updated) >= since);
    }
}

#[cfg(test)]
mod tests;
