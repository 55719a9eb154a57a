//! How a search of the attribute is checked, and the smaller check of an unchecked one.

use syn::LitStr;

use super::placeholder::{Placeholders, allowed};
use crate::key::Key;
use crate::subscription::AllowedOf;
use fhir_sub_search::criteria::{self, Purpose};
use fhir_sub_search::definitions::FhirVersion;
use fhir_sub_search::mistake::Mistake;
use fhir_sub_search::search::{self, ParameterType, Search};

/// The settings of the check, from `fhir`, `unchecked` and `also`.
pub(super) struct Rules<'a> {
    /// The versions that may be meant: at least one.
    pub(super) versions: &'a [FhirVersion],
    pub(super) is_unchecked: bool,
    pub(super) also: &'a [LitStr],
}

/// The facts about a criteria or filters without mistakes.
#[derive(Debug)]
pub(super) struct Right {
    /// At least one.
    pub(super) versions: Vec<FhirVersion>,
    /// The types of the parameters, in order.
    pub(super) parameter_types: Vec<ParameterType>,
    /// The allowed values of the parameters with a placeholder.
    pub(super) allowed: Vec<AllowedOf>,
}

impl Rules<'_> {
    /// The versions that accept `search`, or its mistakes.
    pub(super) fn check(&self, search: &Search) -> Result<Vec<FhirVersion>, Vec<Mistake>> {
        criteria::check(search, Purpose::Subscription, self.versions, &self.also())
    }

    /// The same for a search with placeholders, whatever their values are.
    pub(super) fn check_around(
        &self,
        search: &Search,
        placeholders: &Placeholders<'_>,
    ) -> Result<Vec<FhirVersion>, Vec<Mistake>> {
        if placeholders.is_empty() {
            return self.check(search);
        }
        // A sample in a placeholder contradicts nothing, and hides no contradiction between other values.
        let known = placeholders.within(search);
        let (mut right, mut least) = (Vec::new(), None);
        for version in self.versions {
            let each = criteria::check_each(search, Purpose::Subscription, *version, &self.also());
            let mut mistakes = placeholders.around(each);
            if mistakes.is_empty() {
                mistakes = criteria::contradictions(&known, &[*version]);
            }
            if mistakes.is_empty() {
                right.push(*version);
            } else if least.as_ref().is_none_or(|least: &Vec<_>| mistakes.len() < least.len()) {
                least = Some(mistakes);
            }
        }
        if right.is_empty() { Err(least.unwrap_or_default()) } else { Ok(right) }
    }

    /// The facts about searches that all of `versions` accept, and about their texts. Each text may have
    /// several possible searches.
    pub(super) fn right(
        &self,
        versions: Vec<FhirVersion>,
        searches: &[Vec<Search>],
        texts: &[String],
    ) -> Right {
        let also = self.also();
        let first = versions.get(..1).unwrap_or_default();
        let types_of = |(meant, text): (&Vec<Search>, &String)| {
            let (rules, placeholders) = (Rules { versions: first, ..*self }, Placeholders::of(text));
            let is_right = |search: &&Search| rules.check_around(search, &placeholders).is_ok();
            let search = meant.iter().find(is_right).or(meant.first())?;
            Some(criteria::parameter_types(search, *first.first()?, &also))
        };
        let parameter_types = searches.iter().zip(texts).filter_map(types_of).flatten().collect();
        let allowed = allowed(&versions, searches, texts, &also);
        Right { versions, parameter_types, allowed }
    }

    fn also(&self) -> Vec<String> {
        self.also.iter().map(LitStr::value).collect()
    }
}

/// The only check of a text that only the server understands.
pub(super) fn form(key: Key, text: &str) -> Result<(), String> {
    let (name, usage) = (key.name(), key.usage());
    let Some(first) = text.chars().next() else {
        return Err(format!("the {name} is empty; it takes {usage}"));
    };
    if text.trim() != text {
        return Err(format!("the {name} has white space around it: write {:?}", text.trim()));
    }
    // A filter may begin with its parameter.
    let is_parameter = key == Key::Filter && (first.is_ascii_lowercase() || first == '_');
    if !first.is_ascii_uppercase() && !is_parameter && (first != '[' || key == Key::Filter) {
        return Err(format!(
            "the {name} starts with {first:?}, not with a resource type such as `Encounter`; it takes {usage}"
        ));
    }
    if key == Key::Filter && !search::split_filter(text).any(|written| !written.value.is_empty()) {
        return Err(format!("the filter has no parameter; it takes {usage}"));
    }
    Ok(())
}
