//! [`Done`]: the effects of the handlers.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

pub struct Done {
    pub runs: Vec<Run>,
    /// For each event, such as `tasks Task/1 2`: the change that wrote the resource, or `deleted`.
    pub effects: BTreeMap<String, String>,
}

/// A run of a handler.
#[derive(Debug)]
pub struct Run {
    /// Microseconds since 1970.
    pub at: u128,
    pub event: String,
}

impl Done {
    /// Reads the effects, and checks that no event has two.
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

    /// How many runs repeated an event. Deletions without a version are not counted, because HAPI could not
    /// be asked for it.
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
