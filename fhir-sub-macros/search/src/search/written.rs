//! Splits a search into its parts as written: nothing is decoded or allocated.

use super::{Form, Parameter, parse_parameter};
use crate::mistake::Mistake;

/// The text before the first `?`, and the text after it.
#[must_use]
pub fn split(search: &str) -> (&str, &str) {
    search.split_once('?').unwrap_or((search, ""))
}

/// The only type that a criteria watches; `None` for `[*]` and `[A,B]`.
#[must_use]
pub fn resource_type(criteria: &str) -> Option<&str> {
    let types = split(criteria).0;
    let one = types.strip_prefix('[').and_then(|types| types.strip_suffix(']')).unwrap_or(types).trim();
    let is_name = one.starts_with(|letter: char| letter.is_ascii_uppercase())
        && one.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_name.then_some(one)
}

/// One parameter as written: `Encounter?patient=Patient/1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written<'a> {
    /// The form of its filter.
    pub form: Form,
    /// The type in the filter, if there is one.
    pub resource_type: Option<&'a str>,
    /// With its modifier.
    pub name: &'a str,
    /// All values, with their `,`.
    pub value: &'a str,
}

/// The parameters of a filter, each with the filter's type. A parameter without `=` has an empty value.
pub fn split_filter(filter: &str) -> impl Iterator<Item = Written<'_>> {
    let form = Form::of(filter);
    let (resource_type, query) = match form {
        Form::Search => {
            let (resource_type, query) = split(filter);
            (Some(resource_type), query)
        }
        Form::Dotted => {
            let (resource_type, query) = filter.split_once('.').unwrap_or((filter, ""));
            (Some(resource_type), query)
        }
        Form::Bare => (None, filter),
    };
    // Only a search may have several parameters.
    let mut rest = Some(query);
    let pieces = std::iter::from_fn(move || {
        let query = rest?;
        let (piece, after) = match query.split_once('&').filter(|_| form == Form::Search) {
            Some((piece, after)) => (piece, Some(after)),
            None => (query, None),
        };
        rest = after;
        Some(piece)
    });
    pieces.filter(|piece| !piece.is_empty()).map(move |piece| {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        Written { form, resource_type, name, value }
    })
}

impl Written<'_> {
    /// The parameter, decoded.
    ///
    /// # Errors
    /// The mistakes in it. Only an unchecked text can have any.
    pub fn parse(&self) -> Result<Parameter, Vec<Mistake>> {
        parse_parameter(&format!("{}={}", self.name, self.value))
    }
}

/// Writes the form of its filter, with the type if it has one.
impl std::fmt::Display for Written<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(resource_type) = self.resource_type {
            formatter.write_str(resource_type)?;
            formatter.write_str(if self.form == Form::Dotted { "." } else { "?" })?;
        }
        write!(formatter, "{}={}", self.name, self.value)
    }
}
