//! [`Subscriptions`]: what the program remembers of the Subscriptions that it has written.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// What the program remembers of its Subscriptions, by the URL of their endpoint.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    known: Mutex<BTreeMap<String, Known>>,
    /// Whether it is written down when the process ends.
    is_kept: AtomicBool,
}

/// What is remembered of a Subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Known {
    /// Its id, which finds it where the server has no search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// The last write of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) written: Option<Written>,
}

/// What was written, and how the server showed it then, as digests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Written {
    /// All that a server may hide, as it was written.
    pub(crate) wrote: String,
    /// The same, as the server showed it after the write.
    pub(crate) shown: String,
    /// Whether the server hid nothing of it.
    pub(crate) is_plain: bool,
}

impl Subscriptions {
    pub(crate) fn known(&self, url: &str) -> Known {
        self.with(|known| known.get(url).cloned()).unwrap_or_default()
    }

    pub(crate) fn change(&self, url: &str, change: impl FnOnce(&mut Known)) {
        self.with(|known| change(known.entry(url.to_owned()).or_default()));
    }

    /// All that is remembered.
    pub(crate) fn all(&self) -> BTreeMap<String, Known> {
        self.with(|known| known.clone())
    }

    /// Remembers what another process has written down, as this one will.
    pub(crate) fn load(&self, all: BTreeMap<String, Known>) {
        self.is_kept.store(true, Ordering::Relaxed);
        self.with(|known| known.extend(all));
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.is_kept.load(Ordering::Relaxed)
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<String, Known>) -> T) -> T {
        work(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
