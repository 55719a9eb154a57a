//! [`Filter`]: narrows a topic, in the forms of R5 and of the backport guide.
//!
//! <https://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition-backport-filter-criteria.html>

use super::parse::Parser;
use super::{Parameter, Search, Subject, Text};
use crate::mistake::Mistake;

/// The form of a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `Encounter?patient=Patient/1&status=finished`
    Search,
    /// `Encounter.patient=Patient/1`, from the guide's prose.
    Dotted,
    /// `patient=Patient/1`: any type with the parameter.
    Bare,
}

/// A filter, before its type and its parameters are looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// How it is written.
    pub form: Form,
    /// The type in the filter: `None` only in [`Form::Bare`].
    pub resource_type: Option<Text>,
    /// At least one; all must hold. Only [`Form::Search`] may have several.
    pub parameters: Vec<Parameter>,
}

impl Form {
    /// The form of a text, even if the text has mistakes.
    #[must_use]
    pub fn of(filter: &str) -> Self {
        let name = filter.split_once('=').map_or(filter, |(name, _)| name);
        if name.contains('?') {
            return Self::Search;
        }
        // The codes of search parameters begin with a small letter, even in chains with a `.`.
        let is_type = name.starts_with(|letter: char| letter.is_ascii_uppercase());
        match is_type {
            // `Type.name` without a value has this form, too, so that the mistake is the missing value.
            true if filter.split_once('.').is_some_and(|(_, rest)| !rest.is_empty())
                && name.contains('.') =>
            {
                Self::Dotted
            }
            true => Self::Search,
            false if name.len() < filter.len() => Self::Bare,
            false => Self::Search,
        }
    }
}

/// The part of `source` that could be parsed, and all mistakes in the rest.
#[must_use]
pub fn parse_filter(source: &str) -> (Option<Filter>, Vec<Mistake>) {
    let form = Form::of(source);
    if form == Form::Search {
        let (search, mut mistakes) = super::parse(source);
        let filter = search.and_then(|search| of_search(source, search, &mut mistakes));
        return (filter, mistakes);
    }
    let mut parser = Parser::new(source);
    if !parser.characters() {
        return (None, parser.mistakes);
    }
    let (resource_type, start) = match source.find('.').filter(|_| form == Form::Dotted) {
        Some(dot) => (parser.text(0..dot), dot + 1),
        None => (None, 0),
    };
    if let Some(and) = source.find('&') {
        let message = "several parameters in one filter stand after a type and a `?`, as in \
                       `Encounter?patient=Patient/1&status=finished`: write a filter for each, or write a `&` that belongs \
                       to the value as `%26`";
        parser.mistakes.push(Mistake::new(and..and + 1, message, FILTER));
        return (None, parser.mistakes);
    }
    let parameter = parser.parameter(start..source.len());
    let is_whole = form == Form::Bare || resource_type.is_some();
    let filter = parameter.filter(|_| is_whole).map(|parameter| Filter {
        form,
        resource_type,
        parameters: vec![parameter],
    });
    (filter, parser.mistakes)
}

/// Parts of a search that a filter must not have.
fn of_search(source: &str, search: Search, mistakes: &mut Vec<Mistake>) -> Option<Filter> {
    let Subject::Type(resource_type) = search.subject else {
        let message = "a filter is of one type: write one for each, as in `Encounter?patient=Patient/1`";
        mistakes.push(Mistake::new(0..source.len(), message, FILTER));
        return None;
    };
    // A parameter that could not be parsed was reported already.
    if search.parameters.is_empty() && mistakes.is_empty() {
        let message = format!(
            "`{resource_type}` alone filters nothing: write what a resource must have, as in `{resource_type}?_id=1`, or \
             take the filter out"
        );
        mistakes.push(Mistake::new(0..source.len(), message, FILTER));
        return None;
    }
    Some(Filter { form: Form::Search, resource_type: Some(resource_type), parameters: search.parameters })
}

/// <https://hl7.org/fhir/R5/subscription.html> defines filters.
const FILTER: &str = "https://hl7.org/fhir/R5/subscription-definitions.html#Subscription.filterBy";
