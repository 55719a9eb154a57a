use std::fs;
use std::path::Path;

use crate::plan::Plan;
use crate::schedule::run;

/// A seed always gives the same schedule: otherwise a failure could not be repeated.
#[test]
fn a_schedule_is_repeated_by_its_seed() {
    for seed in 0..6 {
        let (one, other) = (run(&Plan::of(seed), true), run(&Plan::of(seed), true));
        assert!(
            one.trace == other.trace && !one.trace.is_empty(),
            "seed {seed}:\n{}\n{}",
            one.trace,
            other.trace
        );
    }
}

/// Each mutant's text must occur exactly once in the engine.
#[test]
fn the_mutants_are_those_of_the_engine_as_it_is() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mutants = fs::read_to_string(here.join("mutants.toml")).unwrap();
    let mut count = 0;
    for edit in mutants.split("{ file = \"").skip(1) {
        let (file, rest) = edit.split_once("\", find = \"").unwrap();
        let (find, _) = rest.split_once("\", replace = \"").unwrap();
        let find = find.replace("\\\"", "\"").replace("\\n", "\n");
        let text = fs::read_to_string(here.join("../../fhir-sub/src").join(file)).unwrap();
        assert_eq!(text.matches(&find).count(), 1, "in {file}, of a mutant in mutants.toml: {find}");
        count += 1;
    }
    assert!(count > 30, "{count}");
}
