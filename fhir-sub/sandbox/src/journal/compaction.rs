//! Removes old versions from a journal: versions that newer ones replaced long ago.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::{Content, Line};

/// The most versions that are kept of a resource, including deletions.
const VERSIONS: usize = 10;

/// A journal with fewer bytes keeps every version.
const SMALL: usize = 16 << 20;

/// A journal is rewritten if it is at least this many times as large as the part that stays.
const EXCESS: usize = 4;

/// The number of events of each Subscription to a topic, by id. Without the old writes, they cannot be counted again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counts {
    pub(crate) events: BTreeMap<String, u64>,
}

impl Content {
    /// The text without the lines that are no longer needed; `None` if they are too few.
    pub(super) fn compacted(&self, counts: &Counts) -> Option<Vec<u8>> {
        if self.text.len() < SMALL {
            return None;
        }
        let text = self.of_newest(counts);
        (self.text.len() / EXCESS >= text.len()).then_some(text)
    }

    /// The newest versions of each resource, and then the counts.
    pub(super) fn of_newest(&self, counts: &Counts) -> Vec<u8> {
        let mut versions = HashMap::<_, usize>::new();
        let mut newest = Vec::new();
        for (bytes, line) in self.lines.iter().rev() {
            let Line::Write(write) = line else { continue };
            let count = versions.entry((&*write.kind, &*write.id)).or_default();
            *count += 1;
            if *count <= VERSIONS {
                newest.push(bytes.clone());
            }
        }
        let mut text: Vec<u8> =
            newest.into_iter().rev().flat_map(|bytes| &self.text[bytes]).copied().collect();
        // This line also ends the last transaction, which may have lost some of its lines.
        text.extend(serde_json::to_vec(counts).expect("texts and numbers"));
        text.push(b'\n');
        text
    }
}
