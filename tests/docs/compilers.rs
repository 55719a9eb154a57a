//! The oldest compiler in `Cargo.toml` and docs/start.md must be the oldest one that the dependencies of each
//! feature accept.
//!
//! `.github/workflows/ci.yml` shows with that compiler that our own code compiles, and clippy's
//! `incompatible_msrv` checks the standard library.

use std::collections::{HashMap, HashSet};
use std::process::Command;

use serde_json::Value;

use crate::page::{Page, root};

/// A compiler's version, without its patch.
type Version = (u32, u32);

fn version(text: &str) -> Version {
    let mut parts = text.split('.').map(|part| part.parse().expect("a number"));
    (parts.next().expect("a major version"), parts.next().unwrap_or(0))
}

/// The output of cargo, without a network.
fn cargo(arguments: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output =
        Command::new(cargo).current_dir(root()).args(["--locked", "--offline"]).args(arguments).output();
    let output = output.expect("cargo can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}

/// The oldest compiler of each package, by `name vX.Y.Z`. Packages without one are missing.
fn named() -> HashMap<String, Version> {
    let host = cargo_host();
    let metadata =
        cargo(&["metadata", "--all-features", "--format-version", "1", "--filter-platform", &host]);
    let metadata: Value = serde_json::from_str(&metadata).expect("cargo's metadata is JSON");
    let packages = metadata["packages"].as_array().expect("there are packages");
    let named = packages.iter().filter_map(|package| {
        let text = |key: &str| package[key].as_str();
        Some((format!("{} v{}", text("name")?, text("version")?), version(text("rust_version")?)))
    });
    named.collect()
}

fn cargo_host() -> String {
    let text = cargo(&["-vV"]);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("cargo knows its host").to_owned()
}

/// The external packages that fhir-sub needs with exactly these `features`.
fn dependencies(features: &str) -> HashSet<String> {
    let tree = cargo(&[
        "tree",
        "--package",
        "fhir-sub",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--no-default-features",
        "--features",
        features,
    ]);
    let lines = tree.lines().map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.starts_with("fhir-sub")).collect()
}

#[test]
fn the_oldest_compiler_of_each_feature_is_that_of_its_dependencies() {
    let named = named();
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("there is one");
    let promised = manifest.lines().find_map(|line| line.strip_prefix("rust-version = "));
    let promised = version(promised.expect("the workspace names one").trim_matches('"'));

    // The table of docs/start.md: features, and the compiler.
    let start = Page::read("docs/start.md");
    let rows: Vec<_> = start
        .text
        .iter()
        .skip_while(|line| *line != "## Choose a compiler")
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|row| row.split_once("` | "))
        .collect();
    // `names.rs` holds the table to have each feature.
    assert!(!rows.is_empty(), "docs/start.md has the compiler of each feature");
    for (features, rest) in rows {
        let written = version(rest.trim_end_matches([' ', '|']));
        let features = if features == "default-features = false" { "" } else { features };
        let needed = dependencies(features).iter().filter_map(|package| named.get(package)).max().copied();
        assert_eq!(Some(written), needed, "{features}: docs/start.md, and what the dependencies name");
        if features == "lambda,local,registration,inspector" {
            assert_eq!(promised, written, "Cargo.toml, and the default features");
        }
    }
}
