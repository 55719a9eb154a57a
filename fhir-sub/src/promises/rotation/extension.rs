//! A stand-in for Secrets Manager behind its extension, with the extension's faults: it is slow, refuses now and then, caches, and
//! may be away.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Duration;

use futures_core::future::BoxFuture;
use serde_json::json;
use tokio::time::Instant;

use crate::settings::{Failure, Places, Version};

pub(super) struct Extension {
    /// The versions of each secret, the current one last: the name of each, and its text.
    secrets: Mutex<HashMap<&'static str, Vec<(String, String)>>>,
    asked: Mutex<Vec<Instant>>,
    number: AtomicUsize,
    takes: Mutex<Duration>,
    pub(super) is_down: AtomicBool,
    /// Whether the version before the current one is answered as it was when that was first asked.
    pub(super) caches_previous: AtomicBool,
    cached: Mutex<HashMap<String, Option<String>>>,
    /// The text of the version before the current one, where somebody has set or removed its label by hand.
    by_hand: Mutex<HashMap<String, Option<String>>>,
}

pub(super) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn milliseconds(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

impl Extension {
    /// With one secret, whose first version has the name `version-0`.
    pub(super) fn of(id: &'static str, value: String) -> Self {
        Self::of_version(id, value, "version-0")
    }

    /// With one secret, whose first version has this name.
    pub(super) fn of_version(id: &'static str, value: String, version: &str) -> Self {
        Self {
            secrets: Mutex::new([(id, vec![(version.to_owned(), value)])].into()),
            asked: Mutex::default(),
            number: AtomicUsize::new(0),
            takes: Mutex::new(Duration::from_millis(40)),
            is_down: AtomicBool::new(false),
            caches_previous: AtomicBool::new(false),
            cached: Mutex::default(),
            by_hand: Mutex::default(),
        }
    }

    /// Gives the secret a new current version.
    pub(super) fn rotate(&self, id: &'static str, value: String) {
        let mut secrets = self.secrets.lock().unwrap();
        let versions = secrets.entry(id).or_default();
        versions.push((format!("version-{}", versions.len()), value));
    }

    /// Moves the label of the version before the current one to a version of this text, or removes it.
    pub(super) fn tells_previous(&self, id: &str, text: Option<&str>) {
        self.by_hand.lock().unwrap().insert(id.to_owned(), text.map(str::to_owned));
    }

    /// Answers after this time from now on.
    pub(super) fn takes(&self, time: Duration) {
        *self.takes.lock().unwrap() = time;
    }

    /// How often the secrets were read; what is asked within five seconds is one reading.
    pub(super) fn readings(&self) -> usize {
        let mut readings: Vec<Instant> = Vec::new();
        for at in &*self.asked.lock().unwrap() {
            if readings.last().is_none_or(|last| *at - *last > seconds(5)) {
                readings.push(*at);
            }
        }
        readings.len()
    }

    fn value(&self, id: &str, version: Version) -> Option<String> {
        if version == Version::Previous
            && let Some(text) = self.by_hand.lock().unwrap().get(id)
        {
            return text.clone();
        }
        let secrets = self.secrets.lock().unwrap();
        let versions = secrets.get(id)?;
        let value = match version {
            Version::Current => versions.last(),
            Version::Previous => versions.iter().rev().nth(1),
        };
        let value = value.map(|(name, value)| json!({ "it": value, "version": name, "n": 1 }).to_string());
        if version == Version::Previous && self.caches_previous.load(SeqCst) {
            return self.cached.lock().unwrap().entry(id.to_owned()).or_insert(value).clone();
        }
        value
    }
}

impl Places for Extension {
    fn parameter<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, Result<String, Failure>> {
        Box::pin(async { Err(Failure::Other("Parameter Store has no such parameter".into())) })
    }

    fn secret<'a>(&'a self, id: &'a str, version: Version) -> BoxFuture<'a, Result<String, Failure>> {
        Box::pin(async move {
            self.asked.lock().unwrap().push(Instant::now());
            let number = self.number.fetch_add(1, SeqCst);
            let takes = *self.takes.lock().unwrap();
            tokio::time::sleep(takes).await;
            // Every seventh request is throttled.
            if self.is_down.load(SeqCst) || number % 7 == 6 {
                return Err(Failure::Other("the extension answered with status 500".into()));
            }
            self.value(id, version).ok_or(Failure::NoSuchVersion)
        })
    }
}
