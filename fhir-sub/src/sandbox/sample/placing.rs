//! Putting a value where a parameter has its values.

use serde_json::{Map, Value, json};

use super::{
    Draft, elements,
    value::{Spot, capitalised},
};
use crate::fhir::FhirVersion;
use crate::sandbox::search::{Parameter, Path, Place};

/// The draft with a value at the path, for each type that the element may have: in the element that is there already,
/// and in another one beside it.
pub(super) fn put(draft: &Draft, path: &Path, value: impl Fn(Spot<'_>) -> Option<Value>) -> Vec<Draft> {
    let Some((places, is_there)) = path.places() else { return Vec::new() };
    let types: &[&'static str] = if is_there { &path.types()[..1] } else { path.types() };
    let mut drafts = Vec::new();
    for of_type in types {
        let condition = places.last().and_then(|place| place.condition);
        let spot = Spot { of_type, condition, target: path.target(), is_there };
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

/// The same for a component of a composite, within the last element that `base` leads to.
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
            let spot = Spot { of_type, condition: None, target: path.target(), is_there: false };
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
    /// Whether a list gets another item, instead of its first one being changed.
    is_appended: bool,
}

impl Placing<'_> {
    /// `path` is that of the definition of the element that has the members.
    fn put(&mut self, members: &mut Map<String, Value>, places: &[Place<'_>], path: &str) {
        let Some((place, rest)) = places.split_first() else { return };
        let member = match (place.is_choice, rest.is_empty()) {
            (true, true) => format!("{}{}", place.name, capitalised(self.of_type)),
            // Of a concept in a choice, the text is asked for.
            (true, false) => format!("{}CodeableConcept", place.name),
            (false, _) => place.name.to_owned(),
        };
        if place.is_choice {
            // The element has one type at a time.
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
            // Within the new item nothing else is to be kept.
            self.is_appended = false;
        }
        let last = items.len() - 1;
        self.fill(&mut items[last], rest, &path);
        if let (Some((key, wanted)), Value::Object(item)) = (place.condition, &mut items[last]) {
            item.insert(key.to_owned(), wanted.into());
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
