//! The list of `also`: parameters that only the user's server, or the topic, knows.

use proc_macro2::TokenTree;
use syn::parse::{ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::{LitStr, Token};

use super::given::Given;
use super::kind::Kind;
use super::rules::Rules;
use crate::key::Key;
use crate::report::Errors;
use fhir_sub_search::criteria::{Purpose, check_each, is_parameter_name};
use fhir_sub_search::definitions::{Definitions, FhirVersion};
use fhir_sub_search::search::{Search, Step, Subject};

/// At least one name, in the form of a parameter's name.
pub(super) fn check(list: &TokenTree, errors: &mut Errors) -> Option<Vec<LitStr>> {
    let TokenTree::Group(group) = list else { return None };
    let Ok(names) = names.parse2(group.stream()) else {
        errors.push(list, format!("`also` takes {}", Key::Also.usage()));
        return None;
    };
    if names.is_empty() {
        errors.push(list, "the list is empty: name a parameter, or leave `also` out");
        return None;
    }
    let mut is_right = true;
    for name in &names {
        if !is_parameter_name(&name.value()) {
            errors.push(
                name,
                "a parameter's name has letters, digits, `-` and `_`: write it without modifier and value",
            );
            is_right = false;
        }
    }
    is_right.then(|| names.into_iter().collect())
}

fn names(input: ParseStream<'_>) -> syn::Result<Punctuated<LitStr, Token![,]>> {
    Punctuated::parse_terminated(input)
}

/// Reports `also` and `unchecked` if there is nothing to check.
pub(super) fn is_asked(given: &Given<'_>, kind: Kind, is_unchecked: bool, errors: &mut Errors) {
    if kind == Kind::Topic && given.entry(Key::Filter).is_none() {
        if let Some(also) = given.entry(Key::Also) {
            errors
                .push(&also.key, "`also` names parameters of filters, and this topic has none: take it out");
        }
        if let Some(unchecked) = given.entry(Key::Unchecked) {
            errors
                .push(&unchecked.key, "`unchecked` speaks of filters, and this topic has none: take it out");
        }
        return;
    }
    if is_unchecked && let Some(also) = given.entry(Key::Also) {
        let what = if kind == Kind::Topic { "filters" } else { "criteria" };
        errors.push(
            &also.key,
            format!("nothing of the {what} is checked with `unchecked = true`: take `also` out"),
        );
    }
}

/// Every name in `also` must be used in one of the searches of `key`, and must not be in the specification, unless the
/// message on a mistake proposes the name.
pub(super) fn is_needed(key: Key, searches: &[Search], rules: &Rules<'_>, errors: &mut Errors) {
    let of = if key == Key::Filter { "a filter" } else { "the criteria" };
    for literal in rules.also {
        let name = literal.value();
        let named: Vec<_> = searches.iter().filter(|search| is_named(search, &name)).collect();
        if named.is_empty() {
            errors.push(literal, format!("`{name}` is not a parameter of {of}: take it out of `also`"));
            continue;
        }
        let is_defined = |search: &Search, version: &FhirVersion| match &search.subject {
            Subject::Type(resource_type) => Definitions::of(*version)
                .resource_type(&resource_type.to_string())
                .is_some_and(|resource_type| resource_type.parameter(&name).is_some()),
            Subject::Types(_) | Subject::Any => false,
        };
        let is_defined_in_all =
            |search: &Search| rules.versions.iter().all(|version| is_defined(search, version));
        if let [first, ..] = &named[..]
            && let Subject::Type(resource_type) = &first.subject
            && named.iter().copied().all(is_defined_in_all)
            && !named.iter().copied().any(|search| is_proposed(search, &name, rules))
        {
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

/// Whether the message on a mistake proposes this name, as for a system that the server's data has in another form.
fn is_proposed(search: &Search, name: &str, rules: &Rules<'_>) -> bool {
    let proposal = format!("`also = [\"{name}\"]`");
    let mistakes =
        rules.versions.iter().flat_map(|version| check_each(search, Purpose::Subscription, *version, &[]));
    mistakes.filter_map(|mistake| mistake.hint).any(|hint| hint.contains(&proposal))
}

fn is_named(search: &Search, name: &str) -> bool {
    search.parameters.iter().flat_map(|parameter| &parameter.name).any(|step| match step {
        Step::Code { code, .. } => code.to_string() == name,
        Step::Has { reference, .. } => reference.to_string() == name,
    })
}
