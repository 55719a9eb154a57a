//! [`Done`]: what the handlers have left behind.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// What the handlers have left behind.
pub struct Done {
    pub runs: Vec<Run>,
    /// The change that the resource was written by, or `deleted`, by event: `tasks Task/1 2`.
    pub effects: BTreeMap<String, String>,
}

/// That a handler was run.
#[derive(Debug)]
pub struct Run {
    /// Microseconds since 1970.
    pub at: u128,
    pub event: String,
}

impl Done {
    /// Reads it, and checks that no event has two effects.
    pub fn read(directory: &Path) -> Self {
        let runs = std::fs::read_to_string(directory.join("runs")).unwrap_or_default();
        let runs = runs.lines().map(|line| {
            let (at, what) = line.split_once(' ').expect("a time and an event");
            Run { at: at.parse().expect("microseconds"), event: split(what).0 }
        });
        let mut effects = BTreeMap::new();
        for file in std::fs::read_dir(directory.join("effects")).expect("the directory of a program") {
            let effect = std::fs::read_to_string(file.expect("a file").path()).expect("a whole effect");
            let (event, change) = split(&effect);
            let other = effects.insert(event, change);
            assert_eq!(other, None, "an effect is there twice, under two keys: {effect}");
        }
        Self { runs: runs.collect(), effects }
    }

    /// How many of the runs were of an event that had been run for before. A deletion is left out where HAPI could not be
    /// asked of which version it is.
    pub fn runs_beyond_one_an_event(&self) -> usize {
        let mut counts = HashMap::<&str, usize>::new();
        for run in self.runs.iter().filter(|run| !run.event.ends_with(" -")) {
            *counts.entry(&run.event).or_default() += 1;
        }
        counts.values().map(|count| count - 1).sum()
    }
}

/// The event, and the change of its resource.
fn split(what: &str) -> (String, String) {
    let (event, change) = what.rsplit_once(' ').expect("an event and a change");
    (event.to_owned(), change.to_owned())
}
