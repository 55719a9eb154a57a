//! [`Subscriptions`]: what the program remembers of its Subscriptions.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// The program's memory of its Subscriptions, by the URLs of their endpoints.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    known: Mutex<BTreeMap<String, Known>>,
    /// Whether it is written to a file when the process ends.
    is_kept: AtomicBool,
}

/// The remembered facts about a Subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Known {
    /// Its id, which finds it on a server without a search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// Its last write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) written: Option<Written>,
}

/// Digests of what was written, and of what the server showed then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Written {
    /// Everything that a server may hide, as written.
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

    pub(crate) fn all(&self) -> BTreeMap<String, Known> {
        self.with(|known| known.clone())
    }

    /// Adds what another process has written to the file; this process will write it too.
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
