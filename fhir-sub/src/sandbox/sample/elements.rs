//! What FHIR requires of a resource and of its elements.

use std::{collections::HashMap, sync::LazyLock};

use serde_json::{Map, Value};

use super::value;
use crate::fhir::FhirVersion;

/// Written by `fhir-sub-macros/search/tools/sandbox_tables.py`, which says how a line is read.
const TABLE: &str = include_str!("elements.txt");

type Lines = HashMap<&'static str, &'static str>;

static LINES: LazyLock<Lines> = LazyLock::new(|| {
    TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' ')).collect()
});

/// The elements without which the resource or the element of that path, `Encounter.location`, is not valid.
pub(super) fn required(path: &str, version: FhirVersion) -> Map<String, Value> {
    let words = LINES.get(path).copied().unwrap_or_default().split(' ');
    words.filter_map(|word| element(path, word, version)).collect()
}

/// Reads `name[x]*:type=code@mask`.
fn element(path: &str, word: &str, version: FhirVersion) -> Option<(String, Value)> {
    let (word, mask) =
        word.rsplit_once('@').map_or((word, 7), |(word, mask)| (word, mask.parse().unwrap_or(0)));
    if mask & value::mask(version) == 0 {
        return None;
    }
    let (name, of_type) = word.split_once(':')?;
    let (of_type, code) =
        of_type.split_once('=').map_or((of_type, None), |(of_type, code)| (of_type, Some(code)));
    let (name, is_list) = name.strip_suffix('*').map_or((name, false), |name| (name, true));
    let (name, member) = match name.strip_suffix("[x]") {
        Some(name) => (name, format!("{name}{}", value::capitalised(of_type))),
        None => (name, name.to_owned()),
    };
    let value = match of_type {
        "BackboneElement" | "Element" => Value::Object(required(&format!("{path}.{name}"), version)),
        _ => value::example(of_type, code),
    };
    Some((member, if is_list { Value::Array(vec![value]) } else { value }))
}
