//! `criteria`: parses the text as a search, and checks the search against FHIR's definitions.

use syn::LitStr;

use super::also;
use super::placeholder::Placeholders;
use super::rules::{Right, Rules, form};
use crate::key::Key;
use crate::report::Errors;
use crate::subscription::Watched;
use fhir_sub_search::search;

/// The versions that accept the criteria. If there is none, the mistakes are reported.
pub(super) fn check(literal: &LitStr, rules: &Rules<'_>, errors: &mut Errors) -> Option<Right> {
    let text = literal.value();
    if rules.is_unchecked {
        return match form(Key::Criteria, &text) {
            Ok(()) => Some(rules.right(rules.versions.to_vec(), &[], &[])),
            Err(message) => {
                errors.push(literal, message);
                None
            }
        };
    }
    let placeholders = Placeholders::of(&text);
    let (search, mistakes) = search::parse(placeholders.filled());
    let mut mistakes = placeholders.around(mistakes);
    mistakes.extend(placeholders.misplaced());
    let mut versions = Vec::new();
    if let Some(search) = &search {
        match rules.check_around(search, &placeholders) {
            Ok(right) => versions = right,
            Err(more) => mistakes.extend(more),
        }
        also::is_needed(Key::Criteria, std::slice::from_ref(search), rules, errors);
    }
    mistakes.sort_by_key(|mistake| mistake.place.start);
    for mistake in &mistakes {
        errors.push(literal, mistake.within(&text));
    }
    let search = search.filter(|_| mistakes.is_empty())?;
    Some(rules.right(versions, &[vec![search]], &[text]))
}

/// The type before the `?`, or the only type within the brackets.
pub(super) fn watched(criteria: &LitStr) -> Watched {
    match search::resource_type(&criteria.value()) {
        Some(resource_type) => Watched::One(resource_type.to_owned()),
        None => Watched::Several,
    }
}

#[cfg(test)]
mod tests;
