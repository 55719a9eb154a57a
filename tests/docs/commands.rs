//! Every command on a page is run, by `docs/test` or by the suite in `commands.txt`.

use std::collections::BTreeMap;

use crate::page::{pages, root};

/// Each line of `commands.txt`: a command, and what runs it.
fn known() -> BTreeMap<&'static str, &'static str> {
    let lines =
        include_str!("commands.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| line.rsplit_once(" => ").unwrap_or_else(|| panic!("{line:?} has no ` => `"))).collect()
}

/// The commands of the pages: one on each line, with continued lines joined, and without comments.
fn shown() -> BTreeMap<String, String> {
    let mut shown = BTreeMap::new();
    for page in pages() {
        for block in page.code.iter().filter(|block| block.language == "sh") {
            let text = block.lines.join("\n").replace("\\\n", "");
            for line in text.lines().filter(|line| !line.is_empty()) {
                let command = line.split("  #").next().unwrap_or(line).trim();
                shown.insert(command.to_owned(), page.path.clone());
            }
        }
    }
    shown
}

#[test]
fn every_command_is_run_by_a_suite() {
    let known = known();
    let unknown: Vec<_> = shown()
        .into_iter()
        .filter(|(command, _)| !known.contains_key(command.as_str()))
        .map(|(command, path)| format!("{path}: {command}"))
        .collect();
    assert!(
        unknown.is_empty(),
        "name in tests/docs/commands.txt what runs these commands:\n{}",
        unknown.join("\n")
    );
}

#[test]
fn commands_that_no_page_shows_are_not_listed() {
    let shown = shown();
    for command in known().keys() {
        assert!(
            shown.contains_key(*command),
            "no page shows `{command}`: take it out of tests/docs/commands.txt"
        );
    }
}

#[test]
fn every_suite_that_is_named_is_there() {
    for (command, suite) in known() {
        if suite.starts_with("by hand: ") {
            continue;
        }
        let path = suite.split("::").next().unwrap_or(suite);
        assert!(
            root().join(path).exists(),
            "`{command}` is said to be run by {suite}, and {path} does not exist"
        );
        assert!(
            !suite.ends_with(".rs"),
            "`{command}` is said to be run by {suite}: name the test in it, as in `{suite}::the_test`"
        );
        if let Some((_, name)) = suite.split_once("::") {
            let text = std::fs::read_to_string(root().join(path)).unwrap_or_default();
            assert!(text.contains(&format!("fn {name}(")), "{path} has no test `{name}`");
        }
    }
}

/// `docs/test` contains every command that it is said to run.
#[test]
fn the_script_runs_what_it_is_said_to_run() {
    let script = include_str!("test");
    for (command, suite) in known() {
        if suite == "tests/docs/test" {
            assert!(script.contains(command), "tests/docs/test does not run `{command}`");
        }
    }
}
