//! [`Silences`]: when each Subscription with heartbeats last sent something.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::fhir::Instant;

/// When each Subscription with heartbeats last sent something, by endpoint.
#[derive(Debug, Default)]
pub(crate) struct Silences {
    heard: Mutex<HashMap<&'static str, Heard>>,
    periods: Mutex<HashMap<&'static str, Periods>>,
}

/// The periods of a Subscription's heartbeats, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Periods {
    /// The period that `register` writes, once it is known. A `registration` function may set or remove it.
    pub(crate) registered: Option<Option<u32>>,
    /// The period that the server showed last. It may send less often than it is asked to.
    pub(crate) shown: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    /// When something last came, to this instance or, as the store says, to another one.
    last: Option<Instant>,
    /// Since when this instance waits.
    waits_since: Instant,
    /// The time that the store has.
    kept: Option<Instant>,
    /// When the server was last asked about a silence.
    asked: Option<Instant>,
}

impl Silences {
    /// Notes that a notification has come. Returns whether the store must be told: at most four times in a period.
    pub(crate) fn heard(&self, endpoint: &'static str, now: Instant, period: Duration) -> bool {
        let mut all = self.lock();
        let heard = all.entry(endpoint).or_insert(Heard::waiting(now));
        heard.last = heard.last.max(Some(now));
        let is_due = heard.kept.is_none_or(|kept| now.since(kept) >= period / 4);
        if is_due {
            heard.kept = Some(now);
        }
        is_due
    }

    /// When something last came, if anything did; and since when nothing has come.
    pub(crate) fn last(&self, endpoint: &'static str, now: Instant) -> (Option<Instant>, Instant) {
        let heard = *self.lock().entry(endpoint).or_insert(Heard::waiting(now));
        (heard.last, heard.last.unwrap_or(heard.waits_since))
    }

    /// Notes when something came to any instance, as the store says.
    pub(crate) fn heard_elsewhere(&self, endpoint: &'static str, at: Instant) {
        if let Some(heard) = self.lock().get_mut(endpoint) {
            heard.last = heard.last.max(Some(at));
            heard.kept = heard.kept.max(Some(at));
        }
    }

    /// Whether it is time to ask the server about a silence: once in a period.
    pub(crate) fn may_ask(&self, endpoint: &'static str, now: Instant, period: Duration) -> bool {
        let mut all = self.lock();
        let Some(heard) = all.get_mut(endpoint) else { return false };
        let may_ask = heard.asked.is_none_or(|asked| now.since(asked) >= period);
        if may_ask {
            heard.asked = Some(now);
        }
        may_ask
    }

    pub(crate) fn periods(&self, endpoint: &str) -> Periods {
        self.lock_periods().get(endpoint).copied().unwrap_or_default()
    }

    pub(crate) fn register(&self, endpoint: &'static str, period: Option<u32>) {
        self.lock_periods().entry(endpoint).or_default().registered = Some(period);
    }

    pub(crate) fn show(&self, endpoint: &'static str, period: Option<u32>) {
        self.lock_periods().entry(endpoint).or_default().shown = period;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<&'static str, Heard>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_periods(&self) -> MutexGuard<'_, HashMap<&'static str, Periods>> {
        self.periods.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heard {
    fn waiting(now: Instant) -> Self {
        Self { last: None, waits_since: now, kept: None, asked: None }
    }
}
