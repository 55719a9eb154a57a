//! [`LookUp`]: the resources that searches have already found.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

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

    /// Records that everything that changed up to `updated` is handled.
    pub(crate) fn advance(&mut self, updated: Instant) {
        let since = self.since.max(Some(updated.before(OVERLAP)));
        self.since = since;
        self.handled.retain(|_, updated| Some(*updated) >= since);
    }
}

#[cfg(test)]
mod tests;
