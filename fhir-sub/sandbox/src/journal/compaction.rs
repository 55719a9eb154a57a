//! What a journal no longer needs: versions that newer ones replaced long ago.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::{Content, Line};

/// The most versions of a resource that stay, deletions included.
const VERSIONS: usize = 10;

/// A journal of fewer bytes keeps every version.
const SMALL: usize = 16 << 20;

/// So many times as large as what stays, a journal is written anew.
const EXCESS: usize = 4;

/// How many events each Subscription to a topic has had, by id: without the old writes, they cannot be counted again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counts {
    pub(crate) events: BTreeMap<String, u64>,
}

impl Content {
    /// The text without what is no longer needed; `None` if most of it is.
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
        // This line also ends the last transaction, of which some lines may have gone.
        text.extend(serde_json::to_vec(counts).expect("texts and numbers"));
        text.push(b'\n');
        text
    }
}
