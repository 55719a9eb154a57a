//! `filter`: each is a search of one type, and all of them must hold in one version of FHIR.

use std::collections::HashSet;

use syn::LitStr;

use super::also;
use super::rules::{Right, Rules, form};
use crate::key::Key;
use crate::report::Errors;
use crate::subscription::Watched;
use fhir_sub_search::definitions::FhirVersion;
use fhir_sub_search::mistake::Mistake;
use fhir_sub_search::search::{self, Search, Subject};

/// <https://hl7.org/fhir/R5/subscription.html>, which says what a filter is.
const FILTER: &str = "https://hl7.org/fhir/R5/subscription-definitions.html#Subscription.filterBy";

/// In which versions all filters are right, or `None` where they are in none, which is reported.
pub(super) fn check(filters: &[LitStr], rules: &Rules<'_>, errors: &mut Errors) -> Option<Right> {
    let mut versions = Some(rules.versions.to_vec());
    let (mut searches, mut seen) = (Vec::new(), HashSet::new());
    for literal in filters {
        if !seen.insert(literal.value()) {
            errors.push(literal, "this filter is given twice: take one of them out");
            versions = None;
            continue;
        }
        let right = if rules.is_unchecked {
            form(Key::Filter, &literal.value())
                .map(|()| rules.versions.to_vec())
                .map_err(|message| vec![message])
        } else {
            filter(&literal.value(), rules, &mut searches)
        };
        versions = match (right, versions) {
            (Ok(right), Some(versions)) => common(literal, versions, &right, errors),
            (Ok(_), None) => None,
            (Err(messages), _) => {
                messages.into_iter().for_each(|message| errors.push(literal, message));
                None
            }
        };
    }
    if !rules.is_unchecked && !filters.is_empty() {
        also::is_needed(Key::Filter, &searches, rules, errors);
    }
    Some(rules.right(versions?, &searches))
}

/// The versions in which one filter is right, or what is wrong with it. Adds its search to `searches`.
fn filter(
    text: &str,
    rules: &Rules<'_>,
    searches: &mut Vec<Search>,
) -> Result<Vec<FhirVersion>, Vec<String>> {
    if let Some(mistake) = without_type(text) {
        return Err(vec![mistake.within(text)]);
    }
    let (search, mut mistakes) = search::parse(text);
    let mut versions = Vec::new();
    if let Some(search) = search {
        match (form_of(text, &search), rules.check(&search)) {
            (None, Ok(right)) => versions = right,
            (None, Err(more)) => mistakes.extend(more),
            // What is wrong in it is of no use to a search that is written anew. A parameter that could not be read is
            // reported as that.
            (Some(mistake), _) if mistakes.is_empty() => mistakes.push(mistake),
            (Some(_), _) => {}
        }
        searches.push(search);
    }
    if mistakes.is_empty() {
        return Ok(versions);
    }
    mistakes.sort_by_key(|mistake| mistake.place.start);
    // A filter's parameter need not be one that anything is searched by.
    let of_topic =
        |hint: String| hint.replace("that only your server has", "that only the topic or your server has");
    let told = mistakes.into_iter().map(|mut mistake| {
        mistake.hint = mistake.hint.map(of_topic);
        mistake.within(text)
    });
    Err(told.collect())
}

/// The forms without a `?` that the guide's prose has: `patient=Patient/1`, `Encounter.patient=Patient/1`.
fn without_type(text: &str) -> Option<Mistake> {
    let (name, value) = text.split_once('=').filter(|_| !text.contains('?') && text.trim() == text)?;
    let has_type = name.starts_with(|letter: char| letter.is_ascii_uppercase());
    let written = match name.split_once('.').filter(|_| has_type) {
        Some((resource_type, name)) => format!("write `{resource_type}?{name}={value}`"),
        None => format!("write it as in `Encounter?{text}`"),
    };
    let message = format!("a resource type and a `?` stand before a filter's parameter: {written}");
    Some(Mistake::new(0..text.len(), message, FILTER))
}

/// What a search may be, and a filter may not.
fn form_of(text: &str, search: &Search) -> Option<Mistake> {
    let Subject::Type(resource_type) = &search.subject else {
        let message = "a filter is of one type: write one for each, as in `Encounter?patient=Patient/1`";
        return Some(Mistake::new(0..text.len(), message, FILTER));
    };
    if !search.parameters.is_empty() {
        return None;
    }
    let message = format!(
        "`{resource_type}` alone filters nothing: write what a resource must have, as in `{resource_type}?_id=1`, or take \
         the filter out"
    );
    Some(Mistake::new(0..text.len(), message, FILTER))
}

/// Those of `versions` in which a further filter is right too.
fn common(
    literal: &LitStr,
    versions: Vec<FhirVersion>,
    right: &[FhirVersion],
    errors: &mut Errors,
) -> Option<Vec<FhirVersion>> {
    let common: Vec<_> = versions.iter().copied().filter(|version| right.contains(version)).collect();
    if common.is_empty() {
        let names = |versions: &[FhirVersion]| {
            versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
        };
        let (these, those) = (names(right), names(&versions));
        errors.push(
            literal,
            format!(
                "this filter is right in FHIR {these} only, and the filters before it in FHIR {those}, while a server has \
                 one version: change one of them"
            ),
        );
        return None;
    }
    Some(common)
}

/// The type that all filters name.
pub(super) fn watched(filters: &[LitStr]) -> Watched {
    let mut types = filters.iter().map(|filter| {
        let filter = filter.value();
        search::split(&filter).0.to_owned()
    });
    match types.next() {
        Some(first) if types.all(|other| other == first) => Watched::One(first),
        _ => Watched::Unknown,
    }
}

#[cfg(test)]
mod tests;
