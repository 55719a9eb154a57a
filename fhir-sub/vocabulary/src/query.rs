//! [`Query`]: a search that the compiler checked; `search!` makes it.

use std::borrow::Cow;
use std::fmt;

use fhir_sub_search::search::RESULT_PARAMETERS;

use super::reference::is_id;

/// A search of one resource type, made by `search!`.
///
/// `FhirClient::search` sends it, and conditional creates and updates take it as their [`Condition`]. It may
/// contain a patient's data, so its `Debug` shows only the names of its parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct Query {
    resource_type: &'static str,
    parameters: Parameters,
    /// Why it cannot be sent.
    mistake: Option<&'static str>,
}

#[derive(Clone, PartialEq, Eq)]
enum Parameters {
    Fixed(&'static [(&'static str, &'static str)]),
    Made(Vec<(&'static str, Cow<'static, str>)>),
}

/// A part of a parameter's value, as `search!` writes it.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub enum Piece<'a> {
    /// Text of the literal, with FHIR's escapes.
    Written(&'static str),
    /// A captured value, or a part of one.
    Value(&'a dyn fmt::Display),
    /// A captured URI or reference, in which a `|` precedes a version.
    Uri(&'a dyn fmt::Display),
    /// The captured id of a reference.
    Id(&'a dyn fmt::Display),
}

impl fmt::Debug for Piece<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written(written) => f.debug_tuple("Written").field(written).finish(),
            Self::Value(_) | Self::Uri(_) | Self::Id(_) => f.write_str("Captured"),
        }
    }
}

const EMPTY: &str = "a captured value is empty, and a server would leave the parameter unread";
const NO_ID: &str = "a captured value stands where a search needs a FHIR id, and is not one: capture the id alone, of letters, digits, \
     `-` and `.`, at most 64 of them";

impl Query {
    /// Not public API: made by `search!`.
    #[doc(hidden)]
    #[must_use]
    pub const fn fixed(
        resource_type: &'static str,
        parameters: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self { resource_type, parameters: Parameters::Fixed(parameters), mistake: None }
    }

    /// Not public API: made by `search!`.
    #[doc(hidden)]
    #[must_use]
    pub const fn of(resource_type: &'static str) -> Self {
        Self { resource_type, parameters: Parameters::Made(Vec::new()), mistake: None }
    }

    /// Not public API: made by `search!`.
    #[doc(hidden)]
    #[must_use]
    pub fn written(mut self, name: &'static str, value: &'static str) -> Self {
        self.add(name, Cow::Borrowed(value));
        self
    }

    /// Not public API: made by `search!`.
    #[doc(hidden)]
    #[must_use]
    pub fn captured(mut self, name: &'static str, pieces: &[Piece<'_>]) -> Self {
        let mut value = String::new();
        for piece in pieces {
            let (captured, plain) = match piece {
                Piece::Written(written) => {
                    value.push_str(written);
                    continue;
                }
                Piece::Value(captured) => (captured, ""),
                Piece::Uri(captured) => (captured, "|"),
                Piece::Id(captured) => (captured, ""),
            };
            let captured = captured.to_string();
            if captured.trim().is_empty() {
                self.mistake.get_or_insert(EMPTY);
            }
            if matches!(piece, Piece::Id(_)) && !is_id(&captured) {
                self.mistake.get_or_insert(NO_ID);
            }
            escape(&captured, plain, &mut value);
        }
        self.add(name, Cow::Owned(value));
        self
    }

    fn add(&mut self, name: &'static str, value: Cow<'static, str>) {
        match &mut self.parameters {
            Parameters::Made(made) => made.push((name, value)),
            Parameters::Fixed(fixed) => {
                let mut made: Vec<_> =
                    fixed.iter().map(|(name, value)| (*name, Cow::Borrowed(*value))).collect();
                made.push((name, value));
                self.parameters = Parameters::Made(made);
            }
        }
    }

    /// The type that it searches, such as `Encounter`.
    #[must_use]
    pub fn resource_type(&self) -> &'static str {
        self.resource_type
    }

    /// Its parameters by name, with FHIR's escapes and without percent-encoding; or why it cannot be sent.
    #[doc(hidden)]
    pub fn parameters(&self) -> Result<Vec<(&str, &str)>, &'static str> {
        if let Some(mistake) = self.mistake {
            return Err(mistake);
        }
        Ok(match &self.parameters {
            Parameters::Fixed(fixed) => fixed.to_vec(),
            Parameters::Made(made) => made.iter().map(|(name, value)| (*name, &**value)).collect(),
        })
    }

    fn names(&self) -> Vec<&'static str> {
        match &self.parameters {
            Parameters::Fixed(fixed) => fixed.iter().map(|(name, _)| *name).collect(),
            Parameters::Made(made) => made.iter().map(|(name, _)| *name).collect(),
        }
    }
}

/// Puts a `\` before each character that would end the value or a part of it:
/// <https://hl7.org/fhir/R4/search.html#escaping>.
fn escape(captured: &str, plain: &str, value: &mut String) {
    for character in captured.chars() {
        if "\\,|$".contains(character) && !plain.contains(character) {
            value.push('\\');
        }
        value.push(character);
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query")
            .field("resource_type", &self.resource_type)
            .field("parameters", &self.names())
            .finish_non_exhaustive()
    }
}

/// A condition for the write of a resource: names and values, `&[("identifier", "a|b")]`, or a `search!`.
///
/// Arrays, slices and vectors of pairs are conditions. A [`Query`] is one, too, if it is of the resource's
/// type and has no parameters for results (`_sort`, `_include`, …). You cannot implement this trait for other
/// types.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a condition",
    label = "expected names and values, or a search",
    note = "write `&[(\"identifier\", \"http://example.org|1\")]`, or `search!(\"Encounter?identifier=http://example.org|1\")`"
)]
pub trait Condition: sealed::Sealed {
    /// The parameters, or why this is not a condition for a resource of this type.
    #[doc(hidden)]
    fn pairs(&self, resource_type: &str) -> Result<Vec<(&str, &str)>, &'static str>;
}

mod sealed {
    pub trait Sealed {}
    impl<N, V> Sealed for &[(N, V)] {}
    impl<N, V, const COUNT: usize> Sealed for &[(N, V); COUNT] {}
    impl<N, V> Sealed for &Vec<(N, V)> {}
    impl Sealed for super::Query {}
    impl Sealed for &super::Query {}
}

impl<N: AsRef<str>, V: AsRef<str>> Condition for &[(N, V)] {
    fn pairs(&self, _: &str) -> Result<Vec<(&str, &str)>, &'static str> {
        Ok(self.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect())
    }
}

impl<N: AsRef<str>, V: AsRef<str>, const COUNT: usize> Condition for &[(N, V); COUNT] {
    fn pairs(&self, _: &str) -> Result<Vec<(&str, &str)>, &'static str> {
        Ok(self.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect())
    }
}

impl<N: AsRef<str>, V: AsRef<str>> Condition for &Vec<(N, V)> {
    fn pairs(&self, _: &str) -> Result<Vec<(&str, &str)>, &'static str> {
        Ok(self.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect())
    }
}

impl Condition for Query {
    fn pairs(&self, resource_type: &str) -> Result<Vec<(&str, &str)>, &'static str> {
        if self.resource_type != resource_type {
            return Err("the condition is a search of another type than the resource");
        }
        let of_results = |name: &str| RESULT_PARAMETERS.contains(&name.split(':').next().unwrap_or_default());
        if self.names().into_iter().any(of_results) {
            return Err(
                "the condition has a parameter for results, such as `_sort` or `_include`: leave it out",
            );
        }
        self.parameters()
    }
}

impl Condition for &Query {
    fn pairs(&self, resource_type: &str) -> Result<Vec<(&str, &str)>, &'static str> {
        (**self).pairs(resource_type)
    }
}

#[cfg(test)]
mod tests;
