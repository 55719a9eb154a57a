//! Puts a value into the element of a parameter.

use serde_json::{Map, Value, json};

use super::{
    Draft, elements,
    value::{Spot, capitalised},
};
use crate::fhir::FhirVersion;
use crate::search::{Parameter, Path, Place};

/// Drafts with a value at the path, for each possible type of the element: in the existing element, and in an
/// additional one.
pub(super) fn put(draft: &Draft, path: &Path, value: impl Fn(Spot<'_>) -> Option<Value>) -> Vec<Draft> {
    let Some((places, is_there)) = path.places() else { return Vec::new() };
    let types: &[&'static str] = if is_there { &path.types()[..1] } else { path.types() };
    let names: Vec<_> = std::iter::once(&*draft.kind).chain(places.iter().map(|place| place.name)).collect();
    let codes = elements::codes(&names.join("."), draft.version);
    let mut drafts = Vec::new();
    for of_type in types {
        let condition = places.last().and_then(|place| place.condition);
        let spot = Spot { of_type, condition, target: path.target(), is_there, codes: &codes };
        let Some(value) = value(spot) else { continue };
        for is_appended in [false, true] {
            let mut put = draft.clone();
            let mut placing = Placing { of_type, value: &value, version: draft.version, is_appended };
            placing.put(&mut put.resource, &places, &draft.kind);
            drafts.push(put);
        }
    }
    drafts
}

/// The same for a component of a composite, within the last element of `base`.
pub(super) fn put_within(
    draft: &Draft,
    base: &Path,
    component: &Parameter,
    value: impl Fn(Spot<'_>) -> Option<Value>,
) -> Vec<Draft> {
    let Some((outer, _)) = base.places() else { return Vec::new() };
    let mut drafts = Vec::new();
    for path in &component.paths {
        let Some((inner, _)) = path.places() else { continue };
        let places: Vec<_> = outer.iter().chain(&inner).copied().collect();
        for of_type in path.types() {
            let spot = Spot { of_type, condition: None, target: path.target(), is_there: false, codes: &[] };
            let Some(value) = value(spot) else { continue };
            let mut put = draft.clone();
            let mut placing = Placing { of_type, value: &value, version: draft.version, is_appended: false };
            placing.put(&mut put.resource, &places, &draft.kind);
            drafts.push(put);
        }
    }
    drafts
}

struct Placing<'a> {
    of_type: &'a str,
    value: &'a Value,
    version: FhirVersion,
    /// Whether to append an item to a list instead of changing its first item.
    is_appended: bool,
}

impl Placing<'_> {
    /// `path` is the path of the definition of the parent element.
    fn put(&mut self, members: &mut Map<String, Value>, places: &[Place<'_>], path: &str) {
        let Some((place, rest)) = places.split_first() else { return };
        let member = match (place.is_choice, rest.is_empty()) {
            (true, true) => format!("{}{}", place.name, capitalised(self.of_type)),
            // For a concept in a choice, the search looks for its text.
            (true, false) => format!("{}CodeableConcept", place.name),
            (false, _) => place.name.to_owned(),
        };
        if place.is_choice {
            // The element can have only one type.
            members.retain(|other, _| {
                let is_other = other
                    .strip_prefix(place.name)
                    .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()));
                !is_other || *other == member
            });
        }
        let path = format!("{path}.{}", place.name);
        if !place.is_list {
            let slot = members.entry(member).or_insert(Value::Null);
            self.fill(slot, rest, &path);
            return;
        }
        let list = members.entry(member).or_insert_with(|| json!([]));
        let Value::Array(items) = list else { return };
        if items.is_empty() || self.is_appended {
            items.push(Value::Null);
            // The new item is empty, so nothing in it must be kept.
            self.is_appended = false;
        }
        let last = items.len() - 1;
        self.fill(&mut items[last], rest, &path);
        if let (Some((key, wanted)), Value::Object(item)) = (place.condition, &mut items[last]) {
            item.insert(key.to_owned(), wanted.into());
        }
        if let (Some(name), Value::Object(item)) = (place.extension, &mut items[last]) {
            let url = format!("http://hl7.org/fhir/StructureDefinition/{name}");
            item.insert("extension".to_owned(), json!([{ "url": url, "valueBoolean": true }]));
        }
    }

    fn fill(&mut self, slot: &mut Value, rest: &[Place<'_>], path: &str) {
        if rest.is_empty() {
            *slot = self.value.clone();
            return;
        }
        if !slot.is_object() {
            *slot = Value::Object(elements::required(path, self.version));
        }
        if let Value::Object(members) = slot {
            self.put(members, rest, path);
        }
    }
}
