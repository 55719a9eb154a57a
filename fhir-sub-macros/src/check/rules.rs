//! How a search of the attribute's is checked, and what is asked of one that is not.

use syn::LitStr;

use crate::criteria;
use crate::definitions::FhirVersion;
use crate::key::Key;
use crate::mistake::Mistake;
use crate::search::Search;

/// What `fhir`, `unchecked` and `also` say of the check.
pub(super) struct Rules<'a> {
    /// The versions that may be meant: one at least.
    pub(super) versions: &'a [FhirVersion],
    pub(super) is_unchecked: bool,
    pub(super) also: &'a [LitStr],
}

impl Rules<'_> {
    /// The versions in which `search` is right, or what is wrong with it.
    pub(super) fn check(&self, search: &Search) -> Result<Vec<FhirVersion>, Vec<Mistake>> {
        let also: Vec<_> = self.also.iter().map(LitStr::value).collect();
        criteria::check(search, self.versions, &also)
    }
}

/// As much as is asked of a text that the server alone understands.
pub(super) fn form(key: Key, text: &str) -> Result<(), String> {
    let (name, usage) = (key.name(), key.usage());
    let Some(first) = text.chars().next() else {
        return Err(format!("the {name} is empty; it takes {usage}"));
    };
    if text.trim() != text {
        return Err(format!("the {name} has white space around it: write {:?}", text.trim()));
    }
    if !first.is_ascii_uppercase() && (first != '[' || key == Key::Filter) {
        return Err(format!(
            "the {name} starts with {first:?}, not with a resource type such as `Encounter`; it takes {usage}"
        ));
    }
    let parameters = text.split_once('?').map(|(_, parameters)| parameters);
    if key == Key::Filter && parameters.is_none_or(|parameters| !parameters.contains('=')) {
        return Err(format!("the filter has no parameter; it takes {usage}"));
    }
    Ok(())
}
