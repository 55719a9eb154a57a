//! `filter`: narrows the topic, in one of the forms of R5 and of the backport guide. One version of FHIR must
//! accept all filters.

use std::collections::HashSet;

use fhir_sub_search::criteria::contradictions;
use fhir_sub_search::definitions::FhirVersion;
use fhir_sub_search::mistake::Mistake;
use fhir_sub_search::search::{self, Filter, Search, Subject, Text};
use syn::LitStr;

use super::also;
use super::placeholder::Placeholders;
use super::rules::{Right, Rules, form};
use crate::key::Key;
use crate::report::Errors;
use crate::subscription::Watched;

/// The versions that accept all filters. If there is none, the mistakes are reported.
///
/// `taken` are the types of resource that the handler's arguments name.
pub(super) fn check(
    filters: &[LitStr],
    taken: &[String],
    rules: &Rules<'_>,
    errors: &mut Errors,
) -> Option<Right> {
    let types = types(filters, taken);
    let mut versions = Some(rules.versions.to_vec());
    let (mut read, mut seen, mut consistent) = (Vec::new(), HashSet::new(), Vec::new());
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
            filter(&literal.value(), &types, rules, &mut read)
        };
        let right = right.and_then(|right| {
            let excluded = excluded(&literal.value(), &types, rules, &mut consistent);
            if excluded.is_empty() { Ok(right) } else { Err(excluded) }
        });
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
        let searches: Vec<_> = read.iter().flatten().cloned().collect();
        also::is_needed(Key::Filter, &searches, rules, errors);
    }
    let texts: Vec<_> = filters.iter().map(LitStr::value).collect();
    Some(rules.right(versions?, &read, &texts))
}

/// The possible types of a filter without a type: the types of the other filters and of the handler's
/// arguments.
fn types(filters: &[LitStr], taken: &[String]) -> Vec<String> {
    let texts: Vec<_> = filters.iter().map(LitStr::value).collect();
    let named =
        texts.iter().flat_map(|text| search::split_filter(text)).filter_map(|filter| filter.resource_type);
    let mut types: Vec<_> = taken.iter().cloned().chain(named.map(str::to_owned)).collect();
    types.sort_unstable();
    types.dedup();
    types
}

/// The versions that accept one filter, or its mistakes. Adds the possible searches to `read`.
fn filter(
    text: &str,
    types: &[String],
    rules: &Rules<'_>,
    read: &mut Vec<Vec<Search>>,
) -> Result<Vec<FhirVersion>, Vec<String>> {
    let placeholders = Placeholders::of(text);
    let (filter, mistakes) = search::parse_filter(placeholders.filled());
    let mut mistakes = placeholders.around(mistakes);
    mistakes.extend(placeholders.misplaced());
    let mut versions = Vec::new();
    if let Some(filter) = filter {
        let is_bare = filter.resource_type.is_none();
        let searches = searches(filter, types);
        match check_one(&searches, rules, &placeholders) {
            Ok(right) => versions = right,
            Err(more) if is_bare => mistakes.extend(more.into_iter().map(|mistake| of_bare(mistake, types))),
            Err(more) => mistakes.extend(more),
        }
        read.push(searches);
    }
    if mistakes.is_empty() {
        return Ok(versions);
    }
    mistakes.sort_by_key(|mistake| mistake.place.start);
    // The parameter of a filter need not be a search parameter.
    let of_topic =
        |hint: String| hint.replace("that only your server has", "that only the topic or your server has");
    let told = mistakes.into_iter().map(|mut mistake| {
        mistake.hint = mistake.hint.map(of_topic);
        mistake.within(text)
    });
    Err(told.collect())
}

/// Why a filter excludes a filter before it: all filters must hold. Nothing is known of a filter with several possible
/// types. If the filter excludes none, it is added to `before`.
fn excluded(text: &str, types: &[String], rules: &Rules<'_>, before: &mut Vec<Search>) -> Vec<String> {
    if rules.is_unchecked {
        return Vec::new();
    }
    let placeholders = Placeholders::of(text);
    let (Some(filter), _) = search::parse_filter(placeholders.filled()) else { return Vec::new() };
    let is_bare = filter.resource_type.is_none();
    let searches: Vec<_> = searches(filter, types).iter().map(|search| placeholders.within(search)).collect();
    let [own] = &searches[..] else { return Vec::new() };
    let same = before.iter().filter(|other| other.subject == own.subject);
    let parameters = same.chain([own]).flat_map(|search| search.parameters.clone()).collect();
    let together = Search { subject: own.subject.clone(), parameters };
    let mistakes = contradictions(&together, rules.versions);
    if mistakes.is_empty() {
        before.push(own.clone());
    }
    // The place in another filter says nothing about this one.
    let is_own = |mistake: &Mistake| own.parameters.iter().any(|it| it.place == mistake.place);
    let told = mistakes.into_iter().map(|mut mistake| {
        mistake.message =
            format!("all filters must hold, and this one excludes one before it: {}", mistake.message);
        if !is_own(&mistake) {
            return mistake.message;
        }
        let mistake = if is_bare { of_bare(mistake, types) } else { mistake };
        mistake.within(text)
    });
    told.collect()
}

/// The possible searches of a filter: one, or one for each possible type if it names no type. If no type is
/// known, only its form is checked.
fn searches(filter: Filter, types: &[String]) -> Vec<Search> {
    let Filter { resource_type, parameters, .. } = filter;
    let of = |subject| Search { subject, parameters: parameters.clone() };
    match resource_type {
        Some(resource_type) => vec![of(Subject::Type(resource_type))],
        None if types.is_empty() => vec![of(Subject::Any)],
        None => types.iter().map(|name| of(Subject::Type(Text::plain(name)))).collect(),
    }
}

/// The versions that accept at least one of `searches`, or the mistakes of the search with the fewest.
fn check_one(
    searches: &[Search],
    rules: &Rules<'_>,
    placeholders: &Placeholders<'_>,
) -> Result<Vec<FhirVersion>, Vec<Mistake>> {
    let (mut right, mut least): (Vec<FhirVersion>, Option<Vec<Mistake>>) = (Vec::new(), None);
    for search in searches {
        match rules.check_around(search, placeholders) {
            Ok(versions) => right.extend(versions),
            Err(mistakes) if least.as_ref().is_none_or(|least| mistakes.len() < least.len()) => {
                least = Some(mistakes);
            }
            Err(_) => {}
        }
    }
    if right.is_empty() {
        return Err(least.unwrap_or_default());
    }
    Ok(rules.versions.iter().copied().filter(|version| right.contains(version)).collect())
}

/// Adds which types a filter without a type was checked against.
fn of_bare(mut mistake: Mistake, types: &[String]) -> Mistake {
    let types: Vec<_> = types.iter().map(|name| format!("`{name}`")).collect();
    let why = format!(
        "This filter names no type, so it is checked as one of {}, which the handler or the other filters name: write \
         `Type?…` for another",
        types.join(" or ")
    );
    mistake.hint = Some(match mistake.hint.take() {
        Some(hint) => format!("{hint}\n{why}"),
        None => why,
    });
    mistake
}

/// The versions among `versions` that accept another filter too.
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
                "this filter is right in FHIR {these} only, and the filters before it in FHIR {those} only, but a server has \
                 one version: change one of them"
            ),
        );
        return None;
    }
    Some(common)
}

/// The type in all filters that name one.
pub(super) fn watched(filters: &[LitStr]) -> Watched {
    match &types(filters, &[])[..] {
        [one] => Watched::One(one.clone()),
        _ => Watched::Unknown,
    }
}

#[cfg(test)]
mod tests;
