//! Checks a search against FHIR's definitions: whether a server can ever find something by it.
//!
//! Each version of FHIR is checked separately. A search is right if one version accepts all of it.

mod allowed;
mod capture;
mod contradiction;
mod modifier;
mod ordered;
mod parameter;
mod reference;
mod results;
mod system;
mod token;
mod value;

use std::ops::Range;

use crate::definitions::{Definitions, FhirVersion, Kind, ResourceType, Targets};
use crate::mistake::Mistake;
use crate::nearest::did_you_mean;
use crate::search::{ParameterType, Search, Subject, Text};

pub use self::allowed::{Allowed, allowed};
pub use self::capture::Capture;

/// The use of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The criteria of a subscription, or a filter. It returns no results, so parameters for results are
    /// mistakes.
    Subscription,
    /// A search that a program sends itself.
    Search,
}

/// The versions among `versions` that accept the search; otherwise, the mistakes in the version with the
/// fewest.
///
/// `also` are parameters that only the user's server knows: their values are not checked.
///
/// # Errors
/// The mistakes in the version with the fewest.
pub fn check(
    search: &Search,
    purpose: Purpose,
    versions: &[FhirVersion],
    also: &[String],
) -> Result<Vec<FhirVersion>, Vec<Mistake>> {
    let mut right = Vec::new();
    let mut least: Option<((bool, usize), Vec<Mistake>)> = None;
    for version in versions {
        let definitions = Definitions::of(*version);
        let mistakes = Check { definitions, purpose, also }.search(search);
        // If a version lacks the type, nothing else was checked in it.
        let is_without_type = matches!(&search.subject, Subject::Type(name)
            if definitions.resource_type(&name.to_string()).is_none());
        let weight = (is_without_type, mistakes.len());
        if mistakes.is_empty() {
            right.push(*version);
        } else if least.as_ref().is_none_or(|(least, _)| weight < *least) {
            least = Some((weight, mistakes));
        }
    }
    if right.is_empty() { Err(least.map(|(_, mistakes)| mistakes).unwrap_or_default()) } else { Ok(right) }
}

/// The mistakes in a version, in each parameter by itself: two parameters may contradict each other.
#[must_use]
pub fn check_each(search: &Search, purpose: Purpose, version: FhirVersion, also: &[String]) -> Vec<Mistake> {
    Check { definitions: Definitions::of(version), purpose, also }.each(search).1
}

/// The contradictions between the parameters of a search: none if one of `versions` that has its type finds none. A
/// value that is a hole contradicts nothing by itself.
#[must_use]
pub fn contradictions(search: &Search, versions: &[FhirVersion]) -> Vec<Mistake> {
    let Subject::Type(name) = &search.subject else { return Vec::new() };
    let name = name.to_string();
    let of_versions = versions.iter().filter_map(|version| {
        let on = Definitions::of(*version).resource_type(&name)?;
        Some(contradiction::check(on, &search.parameters))
    });
    of_versions.min_by_key(Vec::len).unwrap_or_default()
}

/// The type of each parameter of a search, in order, in a version that accepts the search.
#[must_use]
pub fn parameter_types(search: &Search, version: FhirVersion, also: &[String]) -> Vec<ParameterType> {
    let kinds = kinds(search, version, also);
    kinds.iter().map(|kind| kind.as_ref().map_or(ParameterType::Unknown, Kind::parameter_type)).collect()
}

/// The places of the values that the program fills in, and how each is written, in a version that accepts the
/// search.
#[must_use]
pub fn captures(search: &Search, version: FhirVersion, also: &[String]) -> Vec<(Range<usize>, Capture)> {
    let kinds = kinds(search, version, also);
    let parameters = kinds.iter().zip(&search.parameters);
    parameters.flat_map(|(kind, parameter)| capture::captures(kind.as_ref(), parameter)).collect()
}

fn kinds(search: &Search, version: FhirVersion, also: &[String]) -> Vec<Option<Kind>> {
    let check = Check { definitions: Definitions::of(version), purpose: Purpose::Search, also };
    let on = match &search.subject {
        Subject::Type(name) => check.definitions.resource_type(&name.to_string()),
        Subject::Types(_) | Subject::Any => None,
    };
    search.parameters.iter().map(|parameter| check.kind(&[on?], &parameter.name)).collect()
}

/// A list of types or parameters up to this length is printed in full.
const SHORT_LIST: usize = 30;

/// Whether `text` has the form of a search parameter's name.
#[must_use]
pub fn is_parameter_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter))
}

/// A check against one version.
struct Check<'a> {
    definitions: Definitions,
    purpose: Purpose,
    also: &'a [String],
}

impl Check<'_> {
    fn search(&self, search: &Search) -> Vec<Mistake> {
        match self.each(search) {
            (Some(on), mistakes) if mistakes.is_empty() => contradiction::check(on, &search.parameters),
            (_, mistakes) => mistakes,
        }
    }

    /// The one type of a search, and the mistakes without contradictions between parameters.
    fn each(&self, search: &Search) -> (Option<ResourceType>, Vec<Mistake>) {
        let name = match &search.subject {
            Subject::Any => return (None, Vec::new()),
            Subject::Types(names) => {
                return (None, names.iter().filter_map(|name| self.stored_type(name).err()).collect());
            }
            Subject::Type(name) => name,
        };
        match self.stored_type(name) {
            Ok(on) => {
                let parameters = search.parameters.iter();
                (Some(on), parameters.flat_map(|parameter| self.parameter(on, parameter)).collect())
            }
            Err(mistake) => (None, vec![mistake]),
        }
    }

    /// The type with this name, if a server can store resources of it. Before R5, it cannot store `Parameters`.
    fn stored_type(&self, name: &Text) -> Result<ResourceType, Mistake> {
        let resource_type = self.resource_type(name)?;
        let version = self.definitions.version;
        if resource_type.name == "Parameters" && version != FhirVersion::R5 {
            let message = "no server stores `Parameters`, which only carry the values of an operation: name another type";
            return Err(Mistake::new(name.place.clone(), message, version.page("parameters.html")));
        }
        Ok(resource_type)
    }

    /// The type with this name.
    fn resource_type(&self, name: &Text) -> Result<ResourceType, Mistake> {
        let written = name.to_string();
        if let Some(resource_type) = self.definitions.resource_type(&written) {
            return Ok(resource_type);
        }
        let version = self.definitions.version;
        let page = version.page("resourcelist.html");
        let mistake = |message| Mistake::new(name.place.clone(), message, page);
        if let Some(elsewhere) = self.elsewhere(|definitions| definitions.resource_type(&written).is_some()) {
            return Err(mistake(format!(
                "`{written}` is a resource type of {elsewhere}, and not of FHIR {version}"
            )));
        }
        if ["Resource", "DomainResource"].contains(&&*written) {
            return Err(mistake(format!(
                "`{written}` is an abstract type, and no resource has it: name another type, such as `Encounter`"
            )));
        }
        let meant = did_you_mean(&written, self.definitions.resource_types());
        Err(mistake(format!("there is no resource type `{written}`{meant}"))
            .with_hint("A type that only your server has: `unchecked = true`"))
    }

    /// The other versions in which something holds: `FHIR R4B and R5`.
    fn elsewhere(&self, is_so: impl Fn(Definitions) -> bool) -> Option<String> {
        let versions: Vec<_> = FhirVersion::ALL
            .into_iter()
            .filter(|version| *version != self.definitions.version && is_so(Definitions::of(*version)))
            .map(|version| version.to_string())
            .collect();
        (!versions.is_empty()).then(|| format!("FHIR {}", versions.join(" and ")))
    }
}

/// `` `a`, `b` and `c` ``
fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// ``an `Encounter`, but to `Group` and `Patient` ``
fn not_but(name: &str, targets: &Targets) -> String {
    let article = if name.starts_with(['A', 'E', 'I', 'O', 'U']) { "an" } else { "a" };
    match targets {
        Targets::Types(types) if types.len() <= SHORT_LIST => {
            format!("{article} `{name}`, but to {}", listed(types.iter().copied()))
        }
        _ => format!("{article} `{name}`"),
    }
}

#[cfg(test)]
mod tests;
