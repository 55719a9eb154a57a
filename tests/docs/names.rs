//! The pages name settings, features, keys, metrics, outcomes, modules and tests as the code does, and leave out none.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::page::{Page, pages, root};

fn source(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names of all settings, from the list in the code.
fn settings() -> BTreeSet<String> {
    let code = source("fhir-sub/src/settings/variables.rs");
    let (_, list) = code.split_once("const NAMES: &[&str] = &[").expect("the list is there");
    let (list, _) = list.split_once("];").expect("the list ends");
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Everything on a page, with its code.
fn whole(page: &Page) -> String {
    let code = page.code.iter().flat_map(|block| &block.lines);
    page.text.iter().chain(code).map(|line| format!("{line}\n")).collect()
}

/// The words of capital letters in `text` that are written as settings of this program are.
fn setting_like(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|it: char| !(it.is_ascii_uppercase() || it.is_ascii_digit() || it == '_'));
    // `FHIR_AUTH_…` stands for several, and `FHIR_SUB_…` is for the tests.
    words.filter(|word| word.starts_with("FHIR_") && !word.starts_with("FHIR_SUB_") && !word.ends_with('_'))
}

#[test]
fn every_setting_on_a_page_is_one_of_the_code() {
    let known = settings();
    let mut unknown = BTreeSet::new();
    for page in pages().iter().filter(|page| page.path != "CHANGELOG.md") {
        let text = whole(page);
        unknown.extend(
            setting_like(&text)
                .filter(|name| !known.contains(*name))
                .map(|name| format!("{}: {name}", page.path)),
        );
    }
    assert!(unknown.is_empty(), "no setting is called:\n{}", Vec::from_iter(unknown).join("\n"));
}

#[test]
fn every_setting_of_the_code_is_explained() {
    let tables: String = ["docs/settings.md", "docs/sign-in.md"].map(source).concat();
    let missing: Vec<_> =
        settings().into_iter().filter(|name| !tables.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "neither docs/settings.md nor docs/sign-in.md has {}", missing.join(", "));
}

/// The names of metrics: those of CloudWatch, and those of Prometheus.
fn metrics() -> BTreeSet<String> {
    let measures = source("fhir-sub/src/metrics.rs");
    let (_, names) = measures.split_once("fn name(self)").expect("CloudWatch's names are there");
    let (names, _) = names.split_once("fn result(self)").expect("Prometheus' names follow");
    let of_events = names.split('"').skip(1).step_by(2).filter(|name| name.starts_with(char::is_uppercase));
    let emf = source("fhir-sub/src/metrics/emf.rs");
    let of_line = emf.lines().filter_map(|line| {
        let (name, rest) = line.trim().strip_prefix("(\"")?.split_once("\", \"")?;
        (rest.starts_with("Count") || rest.starts_with("Milliseconds")).then_some(name)
    });
    let prometheus = source("fhir-sub/src/metrics/prometheus.rs");
    let (prometheus, _) = prometheus.split_once("#[cfg(test)]").unwrap_or((&prometheus, ""));
    let quoted = prometheus.split(['"', '{']).filter(|text| {
        let is_name = text.bytes().all(|it| it.is_ascii_lowercase() || it == b'_');
        is_name && (text.starts_with("fhir_sub_") || text.starts_with("process_"))
    });
    of_events.chain(of_line).chain(quoted).map(str::to_owned).collect()
}

#[test]
fn every_metric_is_explained_and_every_explained_metric_is_there() {
    let page = source("docs/operate.md");
    let (_, section) = page.split_once("\n## Metrics").expect("docs/operate.md has its metrics");
    let (section, _) = section.split_once("\n## ").expect("another section follows");
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('|').next());
    let explained: BTreeSet<_> =
        cells.flat_map(|cell| cell.split(['`', ',', ' ']).filter(|name| !name.is_empty())).collect();
    let known = metrics();
    let missing: Vec<_> = known.iter().filter(|name| !explained.contains(name.as_str())).collect();
    let unknown: Vec<_> = explained.iter().filter(|name| !known.contains(**name)).collect();
    assert!(missing.is_empty(), "docs/operate.md does not explain {missing:?}");
    assert!(unknown.is_empty(), "docs/operate.md explains {unknown:?}, which no code writes");
}

/// The texts in the function `words` of a source file: how the log calls a result.
fn words(path: &str) -> BTreeSet<String> {
    let code = source(path);
    let (_, words) = code.split_once("fn words(&self)").expect("the words of the log are there");
    let (words, _) = words.split_once("\n    }\n").expect("the function ends");
    let arms = words.lines().filter(|line| !line.trim_start().starts_with("#["));
    arms.flat_map(|line| line.split('"').skip(1).step_by(2)).map(str::to_owned).collect()
}

#[test]
fn every_outcome_in_the_log_is_explained_and_every_explained_outcome_is_there() {
    let page = source("docs/operate.md");
    let (_, section) = page.split_once("\n## Logs").expect("docs/operate.md has the log");
    let (section, _) = section.split_once("\n## ").expect("another section follows");
    let (_, tables) = section.split_once("| outcome |").expect("the outcomes have a table");
    let cells = tables.lines().filter_map(|line| line.strip_prefix('|')?.split('|').next());
    let explained: BTreeSet<_> =
        cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect();
    let mut known = words("fhir-sub/src/delivery/delivered.rs");
    known.extend(words("fhir-sub/src/service/refusal.rs"));
    let missing: Vec<_> = known.difference(&explained).collect();
    let unknown: Vec<_> = explained.difference(&known).collect();
    assert!(missing.is_empty(), "docs/operate.md does not explain {missing:?}");
    assert!(unknown.is_empty(), "docs/operate.md explains {unknown:?}, which no log has");
}

/// Each feature of the library, and whether it is a default one.
pub(crate) fn features() -> BTreeMap<String, bool> {
    let manifest = source("fhir-sub/Cargo.toml");
    let (_, features) = manifest.split_once("\n[features]\n").expect("the library has features");
    let (features, _) = features.split_once("\n[").expect("another table follows");
    let default =
        features.lines().find_map(|line| line.strip_prefix("default = ")).expect("some are default");
    let names = features.lines().filter_map(|line| line.split_once(" = ").map(|(name, _)| name));
    let public = names.filter(|name| *name != "default" && !name.starts_with("__"));
    public.map(|name| (name.to_owned(), default.contains(&format!("\"{name}\"")))).collect()
}

#[test]
fn every_feature_is_explained_and_has_its_compiler() {
    let known = features();
    let start = source("docs/start.md");
    let (_, chosen) = start.split_once("\n## Choose features").expect("docs/start.md has the features");
    let (chosen, compilers) =
        chosen.split_once("\n## Choose a compiler").expect("docs/start.md has the compilers");
    let library: String = source("fhir-sub/src/lib.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//! "))
        .map(|line| format!("{line}\n"))
        .collect();
    for (place, table) in [("docs/start.md", chosen), ("lib.rs", &*library)] {
        let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once(" | "));
        let rows = rows.flat_map(|(names, rest)| {
            let names = names.split(['`', ',', ' ']).filter(|name| !name.is_empty());
            names.map(move |name| (name.to_owned(), rest.starts_with("yes")))
        });
        assert_eq!(rows.collect::<BTreeMap<_, _>>(), known, "the features in {place}, and which are default");
    }
    let rows = compilers.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let compiled: BTreeSet<_> = rows.flat_map(|row| row.split(',')).collect();
    let missing: Vec<_> = known.keys().filter(|name| !compiled.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "docs/start.md does not name the compiler for {missing:?}");
}

#[test]
fn every_key_of_the_attribute_is_explained() {
    let code = source("fhir-sub-macros/src/key.rs");
    let (_, names) = code.split_once("fn name(self)").expect("the keys have names");
    let (names, _) = names.split_once("\n    }\n").expect("the function ends");
    // `type` is of `#[fhir(…)]`, which stands above a type.
    let known: BTreeSet<_> = names.split('"').skip(1).step_by(2).filter(|name| *name != "type").collect();
    let page = source("docs/subscriptions.md");
    let (_, table) = page.split_once("\n## Keys").expect("docs/subscriptions.md has the keys");
    let (table, _) = table.split_once("\n## ").expect("another section follows");
    let explained: BTreeSet<_> =
        table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(explained, known, "the keys of docs/subscriptions.md");
}

#[test]
fn the_code_map_has_every_module_in_reading_order() {
    let library = source("fhir-sub/src/lib.rs");
    let (_, modules) = library.split_once("// In reading order").expect("the modules stand in order");
    let names = modules.lines().filter_map(|line| {
        let line = line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';')?;
        // `mod __private` is of the file `private.rs`; the others are for this crate's own tests.
        let is_test = ["fixtures", "promises"].contains(&line);
        (!is_test).then(|| line.trim_start_matches('_').to_owned())
    });
    let map = source("ARCHITECTURE.md");
    let (_, map) = map.split_once("### The library").expect("the map of the library is there");
    let (map, _) = map.split_once("\n## ").expect("another section follows");
    let cells = map.lines().filter_map(|line| line.strip_prefix("| `")?.split('|').next());
    let mapped: Vec<_> = cells
        .flat_map(|cell| cell.split(['`', ',', ' ', '/']).filter(|name| !name.is_empty()).map(str::to_owned))
        .collect();
    assert_eq!(mapped, names.collect::<Vec<_>>(), "ARCHITECTURE.md has other modules than lib.rs");
}

/// docs/servers.md names the test behind each cell.
#[test]
fn every_test_that_a_page_names_is_there() {
    let mut functions = BTreeSet::new();
    for directory in ["fhir-sub", "fhir-sub-macros", "tests"] {
        add(&root().join(directory), &mut functions);
    }
    let servers = source("docs/servers.md");
    let named = servers.split('`').skip(1).step_by(2).filter(|code| {
        let is_path =
            code.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || b"_:".contains(&it));
        is_path && (code.contains("::") || code.matches('_').count() >= 3)
    });
    let missing: Vec<_> = named.filter(|path| !functions.iter().any(|own| is_of(own, path))).collect();
    assert!(missing.is_empty(), "docs/servers.md names tests that are not there:\n{}", missing.join("\n"));
}

/// Whether a path such as `registration::plan::tests::a_test` is `own`, or its end.
fn is_of(own: &str, path: &str) -> bool {
    own.strip_suffix(path).is_some_and(|before| before.is_empty() || before.ends_with("::"))
}

/// Adds the path of each file and function below `directory`, such as `registration::plan::tests::a_test`.
fn add(directory: &Path, functions: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).expect("a directory can be read").flatten() {
        let path = entry.path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target") {
                add(&path, functions);
            }
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let place = path.with_extension("").display().to_string().replace('/', "::");
            functions.insert(place.clone());
            for line in text.lines() {
                let Some((_, rest)) = line.split_once("fn ") else { continue };
                let name: String = rest.chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect();
                functions.insert(format!("{place}::{name}"));
                // In a module within the file.
                functions.insert(format!("{place}::tests::{name}"));
            }
        }
    }
}
