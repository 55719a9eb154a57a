//! `criteria`: the text as a search, and the search against what FHIR defines.

use syn::LitStr;

use crate::criteria;
use crate::definitions::{Definitions, FhirVersion};
use crate::key::Key;
use crate::report::Errors;
use crate::search::{self, Search, Step, Subject};
use crate::subscription::Watched;

/// What `fhir`, `unchecked` and `also` say of the check.
pub(super) struct Rules<'a> {
    /// The versions that may be meant: one at least.
    pub(super) versions: &'a [FhirVersion],
    pub(super) is_unchecked: bool,
    pub(super) also: &'a [LitStr],
}

/// The versions in which the criteria is right, or `None` where it is in none, which is reported.
pub(super) fn check(literal: &LitStr, rules: &Rules<'_>, errors: &mut Errors) -> Option<Vec<FhirVersion>> {
    if rules.is_unchecked {
        return match form(&literal.value()) {
            Ok(()) => Some(rules.versions.to_vec()),
            Err(message) => {
                errors.push(literal, message);
                None
            }
        };
    }
    let text = literal.value();
    let (search, mut mistakes) = search::parse(&text);
    let mut versions = Vec::new();
    if let Some(search) = &search {
        let also: Vec<_> = rules.also.iter().map(LitStr::value).collect();
        match criteria::check(search, rules.versions, &also) {
            Ok(right) => versions = right,
            Err(more) => mistakes.extend(more),
        }
        also_is_needed(search, rules, errors);
    }
    mistakes.sort_by_key(|mistake| mistake.place.start);
    for mistake in &mistakes {
        errors.push(literal, mistake.within(&text));
    }
    mistakes.is_empty().then_some(versions)
}

/// As much as is asked of a text that the server alone understands.
fn form(criteria: &str) -> Result<(), String> {
    let Some(first) = criteria.chars().next() else {
        return Err(format!("the criteria is empty; it takes {}", Key::Criteria.usage()));
    };
    if criteria.trim() != criteria {
        return Err(format!("the criteria has white space around it: write {:?}", criteria.trim()));
    }
    if !first.is_ascii_uppercase() && first != '[' {
        return Err(format!(
            "the criteria starts with {first:?}, not with a resource type such as `Encounter`; it takes {}",
            Key::Criteria.usage()
        ));
    }
    Ok(())
}

/// Every name in `also` is of a parameter that stands in the criteria, and that the specification does not have.
fn also_is_needed(search: &Search, rules: &Rules<'_>, errors: &mut Errors) {
    for literal in rules.also {
        let name = literal.value();
        let is_named =
            search.parameters.iter().flat_map(|parameter| &parameter.name).any(|step| match step {
                Step::Code { code, .. } => code.to_string() == name,
                Step::Has { reference, .. } => reference.to_string() == name,
            });
        if !is_named {
            errors.push(literal, format!("`{name}` is no parameter of the criteria: take it out of `also`"));
            continue;
        }
        // Within a chain or `_has` it is a parameter of another type.
        let is_first = search.parameters.iter().any(|parameter| match parameter.name.first() {
            Some(Step::Code { code, .. }) => code.to_string() == name,
            _ => false,
        });
        let Subject::Type(resource_type) = &search.subject else { continue };
        let is_defined = |version: &FhirVersion| {
            Definitions::of(*version)
                .resource_type(&resource_type.to_string())
                .is_some_and(|resource_type| resource_type.parameter(&name).is_some())
        };
        if is_first && rules.versions.iter().all(is_defined) {
            errors.push(
                literal,
                format!(
                    "`{name}` is a search parameter of `{resource_type}` in the specification, and would not be \
                     checked: take it out of `also`"
                ),
            );
        }
    }
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
