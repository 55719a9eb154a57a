//! [`Seen`]: the versions that a sweep has looked at.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use crate::delivery::changed::Changed;

/// The versions that a sweep has looked at.
#[derive(Default)]
pub(super) struct Seen {
    versions: HashSet<u64>,
    pub(super) hasher: RandomState,
}

/// The most versions that are remembered. Beyond that, the store knows what was handled.
const MAXIMUM: usize = 100_000;

impl Seen {
    /// Whether the version is new to this sweep.
    pub(super) fn is_fresh(&mut self, changed: &Changed) -> bool {
        let hash = match &changed.version {
            Some(version) => self.hasher.hash_one(version),
            None => self.hasher.hash_one(changed.json.get()),
        };
        if self.versions.len() >= MAXIMUM {
            return !self.versions.contains(&hash);
        }
        self.versions.insert(hash)
    }
}
