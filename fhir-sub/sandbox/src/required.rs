//! Checks the elements that FHIR requires of a resource, as far as the tables know them.

use serde_json::{Map, Value};

use super::refusal::Refusal;
use super::sample::elements::{Element, elements};
use crate::fhir::FhirVersion;

/// Refuses a resource that lacks a required element, or has another kind of value there
/// (<https://hl7.org/fhir/R4/validation.html>).
///
/// The tables say which elements are required, their types, and whether they are lists. Nothing else is checked.
pub(crate) fn check(kind: &str, resource: &Map<String, Value>, version: FhirVersion) -> Result<(), Refusal> {
    match mistake(kind, resource, version) {
        None => Ok(()),
        Some(mistake) => Err(Refusal::unprocessable(mistake)),
    }
}

fn mistake(path: &str, members: &Map<String, Value>, version: FhirVersion) -> Option<String> {
    let required = elements(path, version).find_map(|element| wrong(path, members, &element));
    required.or_else(|| {
        members.iter().find_map(|(member, value)| {
            let path = format!("{path}.{member}");
            match value {
                Value::Object(members) => mistake(&path, members, version),
                Value::Array(items) => items
                    .iter()
                    .filter_map(Value::as_object)
                    .find_map(|members| mistake(&path, members, version)),
                _ => None,
            }
        })
    })
}

/// The mistake in a required element, or `None`.
fn wrong(path: &str, members: &Map<String, Value>, element: &Element<'_>) -> Option<String> {
    let Element { name, of_type, is_choice, is_list, .. } = *element;
    if is_choice {
        // `value[x]` is any member whose name continues with a type.
        let is_there = members.keys().any(|member| {
            let member = member.strip_prefix('_').unwrap_or(member);
            let rest = member.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_uppercase()))
        });
        return (!is_there).then(|| format!("{path}.{name}[x] is required"));
    }
    let value = match members.get(name) {
        // An extension may say why there is no value.
        None if members.contains_key(&format!("_{name}")) => return None,
        None | Some(Value::Null) => return Some(format!("{path}.{name} is required")),
        Some(value) => value,
    };
    let values = match (value, is_list) {
        (Value::Array(items), true) if items.is_empty() => {
            return Some(format!("{path}.{name} is an empty list: write at least one value"));
        }
        (Value::Array(items), true) => items.as_slice(),
        (Value::Array(_), false) => {
            return Some(format!("{path}.{name} must not be a list: write its one value without [ ]"));
        }
        (_, true) => return Some(format!("{path}.{name} must be a list: write its values within [ ]")),
        (value, false) => std::slice::from_ref(value),
    };
    let (is_right, what): (fn(&Value) -> bool, _) = match of_type {
        "boolean" => (Value::is_boolean, "true or false"),
        "decimal" | "integer" | "positiveInt" | "unsignedInt" => (Value::is_number, "a number"),
        // An integer64 is a string.
        _ if of_type.starts_with(|letter: char| letter.is_ascii_lowercase()) => {
            (Value::is_string, "a string")
        }
        _ => (Value::is_object, "an object"),
    };
    (!values.iter().all(is_right)).then(|| format!("{path}.{name} must be {what}"))
}
