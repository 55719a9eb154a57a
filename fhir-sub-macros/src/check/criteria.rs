//! `criteria`: the text as a search, and the search against what FHIR defines.

use syn::LitStr;

use super::also;
use super::rules::{Rules, form};
use crate::definitions::FhirVersion;
use crate::key::Key;
use crate::report::Errors;
use crate::search;
use crate::subscription::Watched;

/// The versions in which the criteria is right, or `None` where it is in none, which is reported.
pub(super) fn check(literal: &LitStr, rules: &Rules<'_>, errors: &mut Errors) -> Option<Vec<FhirVersion>> {
    let text = literal.value();
    if rules.is_unchecked {
        return match form(Key::Criteria, &text) {
            Ok(()) => Some(rules.versions.to_vec()),
            Err(message) => {
                errors.push(literal, message);
                None
            }
        };
    }
    let (search, mut mistakes) = search::parse(&text);
    let mut versions = Vec::new();
    if let Some(search) = &search {
        match rules.check(search) {
            Ok(right) => versions = right,
            Err(more) => mistakes.extend(more),
        }
        also::is_needed(Key::Criteria, std::slice::from_ref(search), rules, errors);
    }
    mistakes.sort_by_key(|mistake| mistake.place.start);
    for mistake in &mistakes {
        errors.push(literal, mistake.within(&text));
    }
    mistakes.is_empty().then_some(versions)
}

/// The type before the `?`, or within the brackets if it stands there alone.
pub(super) fn watched(criteria: &LitStr) -> Watched {
    let criteria = criteria.value();
    let types = criteria.split_once('?').map_or(&*criteria, |(types, _)| types);
    let types = types.strip_prefix('[').and_then(|types| types.strip_suffix(']')).unwrap_or(types).trim();
    if types.contains([',', '*']) { Watched::Several } else { Watched::One(types.to_owned()) }
}

#[cfg(test)]
mod tests;
