//! The TOML blocks are TOML, and each line of a dependency on fhir-sub names the workspace's version and its features.

use toml::{Table, Value};

use crate::names::features;
use crate::page::{Page, pages, root};

/// The dependencies on fhir-sub in `manifest`, which may be a part of a manifest: lines of `[dependencies]` alone.
fn dependencies(manifest: &Table) -> impl Iterator<Item = &Value> {
    let tables =
        ["dependencies", "dev-dependencies"].iter().filter_map(|name| manifest.get(*name)?.as_table());
    tables.chain([manifest]).filter_map(|table| table.get("fhir-sub"))
}

/// The mistake in a dependency on fhir-sub, or `None`.
fn fault(dependency: &Value, version: &str) -> Option<String> {
    let wanted = dependency.as_str().or_else(|| dependency.get("version")?.as_str());
    match (wanted, dependency.get("path").and_then(Value::as_str)) {
        // Cargo reads `0.1` as any version that begins so.
        (Some(wanted), None) if format!("{version}.").starts_with(&format!("{wanted}.")) => {}
        // The path of a clone, until the first release.
        (None, Some(path)) if path.ends_with("fhir-sub/fhir-sub") => {}
        (wanted, path) => {
            return Some(format!(
                "version {wanted:?} and path {path:?}, and the workspace has version {version}"
            ));
        }
    }
    let known = features();
    let named = dependency.get("features").and_then(Value::as_array).into_iter().flatten();
    let mut unknown = named.filter(|name| !name.as_str().is_some_and(|name| known.contains_key(name)));
    unknown.next().map(|name| format!("fhir-sub has no feature {name}"))
}

fn workspace_version() -> String {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("the workspace has a manifest");
    let manifest: Table = manifest.parse().expect("a manifest is TOML");
    manifest["workspace"]["package"]["version"].as_str().expect("a version is a text").to_owned()
}

#[test]
fn toml_is_toml_and_a_dependency_on_fhir_sub_can_be_resolved() {
    let version = workspace_version();
    let mut checked = 0;
    for Page { path, code, .. } in &pages() {
        for block in code.iter().filter(|block| block.language == "toml") {
            let text = block.lines.join("\n");
            let manifest: Table = text.parse().unwrap_or_else(|error| panic!("{path}: {error}\n{text}"));
            for dependency in dependencies(&manifest) {
                assert_eq!(fault(dependency, &version), None, "{path}: fhir-sub = {dependency}");
                checked += 1;
            }
        }
    }
    assert!(checked > 0, "the guide shows how to depend on fhir-sub");
}

#[test]
fn a_wrong_dependency_is_found() {
    let fault = |line: &str| {
        let manifest: Table = line.parse().expect("the line is TOML");
        dependencies(&manifest).find_map(|dependency| fault(dependency, "0.1.2"))
    };
    for right in [
        "fhir-sub = \"0.1\"",
        "fhir-sub = { version = \"0.1.2\", features = [\"sqlite\"] }",
        "[dev-dependencies]\nfhir-sub = { path = \"../fhir-sub/fhir-sub\", features = [\"testing\"] }",
    ] {
        assert_eq!(fault(right), None, "{right}");
    }
    for wrong in [
        "fhir-sub = \"0.2\"",
        "fhir-sub = \"0.1.1\"",
        "[dependencies]\nfhir-sub = { features = [\"sqlite\"] }",
        "[dependencies]\nfhir-sub = { version = \"0.1\", features = [\"sqlite\", \"mysql\"] }",
        "[dev-dependencies]\nfhir-sub = { path = \"../fhir-sub\" }",
    ] {
        assert!(fault(wrong).is_some(), "{wrong}");
    }
}
