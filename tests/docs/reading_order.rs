//! Checks that each module uses only modules above it in `lib.rs`, so that a crate can be read from the top: the library,
//! the client and the vocabulary.
//!
//! Modules for tests, fuzzing and benchmarks may use everything.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::page::root;

#[test]
fn each_module_uses_those_above_it_only() {
    for source in ["fhir-sub/vocabulary/src", "fhir-sub/client/src", "fhir-sub/src"] {
        check_crate(source);
    }
}

fn check_crate(name: &str) {
    let source = root().join(name);
    let library = fs::read_to_string(source.join("lib.rs")).unwrap();
    let order: Vec<_> = modules(&library).filter(|module| !module.is_for_tests).collect();
    assert!(order.len() > 10, "the modules of {name}");
    let place = |name: &str| order.iter().position(|module| module.name == name);
    let exported = exports(&library);

    let mut files = Vec::new();
    for module in &order {
        let directory = module.path.as_deref().unwrap_or(module.name);
        collect(&source, directory.trim_end_matches(".rs"), module.name, &mut files);
    }

    let mut mistakes = Vec::new();
    for (top, file) in &files {
        let text = fs::read_to_string(file).unwrap();
        let mut used = uses(&text);
        // In a file beside lib.rs, `super` is the root, too.
        if file.parent() == Some(&source) {
            used.extend(uses_after("super::", &text));
        }
        for used in used {
            let used = exported.get(&*used).copied().unwrap_or(&used);
            if place(used) > place(top) {
                let file = file.strip_prefix(&source).unwrap().display();
                mistakes.push(format!(
                    "{name}/{file}: `{top}` uses `crate::{used}`, which stands below it in lib.rs"
                ));
            }
        }
    }
    mistakes.dedup();
    let cure = "move what is used to a module above both, or change the order in lib.rs";
    assert!(mistakes.is_empty(), "{}\n{cure}", mistakes.join("\n"));
}

/// The same for the modules within one module, so that there are no circles.
#[test]
fn each_module_of_the_engine_uses_those_above_it_only() {
    let source = root().join("fhir-sub/src");
    for parent in ["delivery"] {
        let engine = fs::read_to_string(source.join(parent).with_extension("rs")).unwrap();
        let order: Vec<_> = modules(&engine).filter(|module| !module.is_for_tests).collect();
        let place = |name: &str| order.iter().position(|module| module.name == name);
        assert!(order.len() > 5, "the modules of {parent}");
        for module in &order {
            let text =
                fs::read_to_string(source.join(parent).join(module.name).with_extension("rs")).unwrap();
            let path = format!("crate::{parent}::");
            for used in uses_after("super::", &text).into_iter().chain(uses_after(&path, &text)) {
                let (name, used_at) = (module.name, place(&used));
                assert!(
                    used_at.is_none() || used_at < place(name),
                    "src/{parent}/{name}.rs uses `{used}`, which stands below it in {parent}.rs: move what is used to a \
                     module above both, or change the order there"
                );
            }
        }
    }
}

/// A `mod name;`.
struct Module<'t> {
    name: &'t str,
    /// The path in its `#[path]`.
    path: Option<String>,
    is_for_tests: bool,
}

/// The modules that a file declares, in order.
fn modules(text: &str) -> impl Iterator<Item = Module<'_>> {
    let mut attributes = String::new();
    text.lines().filter_map(move |line| {
        if line.starts_with("#[") {
            attributes.push_str(line);
            return None;
        }
        let attributes = std::mem::take(&mut attributes);
        let declared = line.strip_suffix(';')?;
        let name = ["mod ", "pub mod ", "pub(crate) mod ", "pub(super) mod "]
            .into_iter()
            .find_map(|start| declared.strip_prefix(start))?;
        let is_for_tests =
            ["(test", "\"testing\"", "__parts", "fuzzing"].iter().any(|it| attributes.contains(it));
        let path = attributes.split_once("#[path = \"").and_then(|(_, rest)| rest.split('"').next());
        Some(Module { name, path: path.map(str::to_owned), is_for_tests })
    })
}

/// The module of each name at the top of the crate: `crate::FhirClient` comes from `client`.
fn exports(root: &str) -> HashMap<&str, &str> {
    let mut exported = HashMap::new();
    for line in root.lines() {
        let Some((module, names)) =
            line.strip_prefix("pub use ").and_then(|rest| rest.strip_suffix(';')?.split_once("::"))
        else {
            continue;
        };
        let names = names.trim_start_matches('{').trim_end_matches('}').split(',');
        exported.extend(names.map(|name| (name.trim(), module)));
    }
    exported
}

/// Collects the files of a module and of its submodules.
fn collect<'t>(directory: &Path, name: &str, top: &'t str, files: &mut Vec<(&'t str, PathBuf)>) {
    let file = directory.join(format!("{name}.rs"));
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    files.push((top, file));
    for module in modules(&text).filter(|module| !module.is_for_tests) {
        collect(&directory.join(name), module.name, top, files);
    }
}

/// The text after each `crate::` of a file, except in comments, in its tests, and in its exported macros.
fn uses(text: &str) -> Vec<String> {
    uses_after("crate::", text)
}

/// The same after another beginning of a path.
fn uses_after(start: &str, text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let code: Vec<_> = code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code = code.join("\n");
    let mut used = Vec::new();
    for (at, name) in code.match_indices(start).filter(|(at, _)| !code[..*at].ends_with('$')) {
        let rest = &code[at + name.len()..];
        match rest.strip_prefix('{') {
            None => used.push(first_name(rest)),
            Some(group) => used.extend(members(group)),
        }
    }
    used
}

/// The first names of the members of a group, `a::{b, c}, d}`.
fn members(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut members) = (0, 0, Vec::new());
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                members.push(first_name(group[start..at].trim()));
                start = at + 1;
            }
            _ => {}
        }
        if letter == '}' && depth == 0 && start == at + 1 {
            break;
        }
    }
    members.retain(|member| !member.is_empty());
    members
}

fn first_name(path: &str) -> String {
    path.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

#[test]
fn what_is_used_is_found_in_each_form() {
    let text = "use crate::a::B;\nuse crate::{\n    c::{X, y::Z},\n    d::E,\n};\nlet x = crate::f(); // crate::g\n$crate::h!();\n";
    assert_eq!(uses(text), ["a", "c", "d", "f"]);
    let root = "mod a;\n#[cfg(test)]\nmod b;\n#[cfg(feature = \"x\")]\npub mod c;\npub use a::{D, E};\n";
    let order: Vec<_> = modules(root).map(|module| (module.name, module.is_for_tests)).collect();
    assert_eq!(order, [("a", false), ("b", true), ("c", false)]);
    assert_eq!(exports(root)["E"], "a");
}
