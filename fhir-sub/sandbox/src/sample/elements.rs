//! The elements that FHIR requires of a resource and of its elements.

use std::{collections::HashMap, sync::LazyLock};

use serde_json::{Map, Value};

use super::value;
use crate::fhir::FhirVersion;

/// Written by `fhir-sub-macros/search/tools/sandbox_tables.py`, which documents the form of a line.
const TABLE: &str = include_str!("elements.txt");

type Lines = HashMap<&'static str, &'static str>;

static LINES: LazyLock<Lines> = LazyLock::new(|| {
    TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' ')).collect()
});

/// A required element.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'t> {
    /// Without `[x]`.
    pub(crate) name: &'t str,
    pub(crate) of_type: &'t str,
    /// One of the element's codes, after its code system and a `|`; for a reference, a type that it may refer to.
    code: Option<&'t str>,
    /// Whether its name continues with its type, as in `value[x]`.
    pub(crate) is_choice: bool,
    pub(crate) is_list: bool,
}

/// The required elements of a resource or of an element, such as `Encounter.location`.
pub(crate) fn elements(path: &str, version: FhirVersion) -> impl Iterator<Item = Element<'static>> {
    words(path, version).filter(|word| !word.starts_with('?')).filter_map(Element::read)
}

/// The required elements, each with a value.
pub(super) fn required(path: &str, version: FhirVersion) -> Map<String, Value> {
    elements(path, version).map(|element| element.example(path, version)).collect()
}

/// Two codes of the element, such as `Encounter.status`; one if it has no second; none if any code may be valid.
pub(super) fn codes(path: &str, version: FhirVersion) -> Vec<&'static str> {
    let (parent, name) = path.rsplit_once('.').unwrap_or_default();
    let of_name = |word: &&str| {
        let word = word.trim_start_matches('?');
        word.strip_prefix(name).is_some_and(|rest| rest.trim_start_matches('*').starts_with(":code="))
    };
    // `Address` has no line of its own in the table.
    if path.ends_with(".address.use") {
        return vec!["home", "work"];
    }
    let codes = words(parent, version).find(of_name).and_then(|word| word.split_once('='));
    codes.map(|(_, codes)| codes.split(',').collect()).unwrap_or_default()
}

/// The words of an element's line for a version, without masks.
fn words(path: &str, version: FhirVersion) -> impl Iterator<Item = &'static str> {
    let words = LINES.get(path).copied().unwrap_or_default().split(' ');
    words.filter_map(move |word| {
        let (word, mask) =
            word.rsplit_once('@').map_or((word, 7), |(word, mask)| (word, mask.parse().unwrap_or(0)));
        (mask & value::mask(version) != 0).then_some(word)
    })
}

impl<'t> Element<'t> {
    /// Reads `name[x]*:type=code`.
    fn read(word: &'t str) -> Option<Self> {
        let (name, of_type) = word.split_once(':')?;
        let (of_type, code) =
            of_type.split_once('=').map_or((of_type, None), |(of_type, code)| (of_type, Some(code)));
        let code = if of_type == "code" { code.and_then(|codes| codes.split(',').next()) } else { code };
        let (name, is_list) = name.strip_suffix('*').map_or((name, false), |name| (name, true));
        let (name, is_choice) = name.strip_suffix("[x]").map_or((name, false), |name| (name, true));
        Some(Self { name, of_type, code, is_choice, is_list })
    }

    fn example(&self, path: &str, version: FhirVersion) -> (String, Value) {
        let Self { name, of_type, code, is_choice, is_list } = *self;
        let member =
            if is_choice { format!("{name}{}", value::capitalised(of_type)) } else { name.to_owned() };
        let value = match of_type {
            "BackboneElement" | "Element" => Value::Object(required(&format!("{path}.{name}"), version)),
            _ => value::example(of_type, code),
        };
        (member, if is_list { Value::Array(vec![value]) } else { value })
    }
}
