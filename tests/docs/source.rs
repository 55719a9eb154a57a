//! How the documentation of the public items reads, and the comments: by the rules of the pages, in `prose.rs`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::page::root;
use crate::prose::{fault, sentences};

#[test]
fn no_comment_has_to_be_read_twice() {
    let mut faults = Vec::new();
    for file in sources() {
        let text = fs::read_to_string(&file).expect("a source is text");
        let name = file.strip_prefix(root()).expect("it is in the repository").display().to_string();
        for sentence in sentences(comments(&text).iter().map(String::as_str)) {
            if let Some(fault) = fault(&sentence) {
                faults.push(format!("{name}: {fault}: {sentence}"));
            }
        }
    }
    assert!(faults.is_empty(), "these have to be read twice:\n{}", faults.join("\n"));
}

/// The lines of comments and of documentation, without examples; an empty line where something else stands.
fn comments(text: &str) -> Vec<String> {
    let mut is_code = false;
    let lines = text.lines().map(|line| {
        let line = line.trim();
        let comment = ["//!", "///", "//"].iter().find_map(|mark| line.strip_prefix(mark));
        let Some(comment) = comment else {
            is_code = false;
            return String::new();
        };
        if comment.trim_start().starts_with("```") {
            is_code = !is_code;
            return String::new();
        }
        if is_code { String::new() } else { comment.to_owned() }
    });
    lines.collect()
}

/// The Rust files of the published crates.
fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for crate_ in [
        "fhir-sub/src",
        "fhir-sub/client/src",
        "fhir-sub/sandbox/src",
        "fhir-sub/vocabulary/src",
        "fhir-sub-macros/src",
        "fhir-sub-macros/search/src",
    ] {
        add(&root().join(crate_), &mut files);
    }
    files.sort();
    files
}

fn add(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a crate has sources").flatten() {
        let path = entry.path();
        if path.is_dir() {
            add(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn examples_are_left_out_and_comments_are_not() {
    let text = "//! One.\n//! ```\n//! code\n//! ```\nfn main() {} // beside\n/// Two.";
    assert_eq!(comments(text), [" One.", "", "", "", "", " Two."]);
}
