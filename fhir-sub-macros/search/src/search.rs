//! [`Search`]: a FHIR search as written, before its types and parameters are looked up.
//!
//! <https://hl7.org/fhir/R4/search.html>, with HAPI FHIR's additions for subscriptions: `[*]` and `[A,B]`.

mod comparison;
mod filter;
mod modifier;
mod parse;
mod placeholder;
mod prefix;
mod print;
mod same;
mod text;
mod written;

#[cfg(test)]
mod tests;

use std::ops::Range;

pub use self::comparison::{Comparison, comparison};
pub use self::filter::{Filter, Form, parse_filter};
pub use self::modifier::Modifier;
pub use self::parse::{parse, parse_parameter, parse_with_holes};
pub use self::placeholder::placeholders;
pub use self::prefix::Prefix;
pub use self::same::is_same;
pub use self::text::Text;
pub use self::written::{Written, resource_type, split, split_filter};

/// Parameters that say how results are returned: <https://hl7.org/fhir/R5/search.html#modifyingresults>.
pub const RESULT_PARAMETERS: [&str; 15] = [
    "_sort",
    "_count",
    "_include",
    "_revinclude",
    "_summary",
    "_total",
    "_elements",
    "_contained",
    "_containedType",
    "_maxresults",
    "_score",
    "_graph",
    "_format",
    "_pretty",
    "_offset",
];

/// `Type?name=value&name=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// The text before the `?`.
    pub subject: Subject,
    /// The parameters after it: all must hold.
    pub parameters: Vec<Parameter>,
}

/// The text before the `?`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// `Encounter`
    Type(Text),
    /// `[Encounter,Patient]`
    Types(Vec<Text>),
    /// `[*]`
    Any,
}

/// `name=value,value`: the resource has one of the values.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// At least one.
    pub name: Vec<Step>,
    /// At least one.
    pub values: Vec<Text>,
    /// The bytes of the parameter in the text.
    pub place: Range<usize>,
}

/// A part of a parameter's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// `code` or `code:qualifier`.
    Code {
        /// The code of a search parameter.
        code: Text,
        /// In the last step, a modifier. In an earlier step, before a `.`, the type that a reference points
        /// to.
        qualifier: Option<Text>,
    },
    /// `_has:Observation:patient:`, before another step.
    Has {
        /// The type that refers to the resource before.
        resource: Text,
        /// The parameter of that type with the reference.
        reference: Text,
    },
}

/// The type of a search parameter: <https://hl7.org/fhir/R4/valueset-search-param-type.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParameterType {
    /// `gt0.8`
    Number,
    /// `ge2030-12-31`
    Date,
    /// The start of a text.
    String,
    /// `system|code`
    Token,
    /// `Patient/1`
    Reference,
    /// Values of other parameters, joined by `$`.
    Composite,
    /// `5.4|http://unitsofmeasure.org|mg`
    Quantity,
    /// `http://example.org/fhir/ValueSet/1`
    Uri,
    /// A form of its own, such as `near`.
    Special,
    /// The type of a parameter that only a server or a topic knows, or that is unchecked.
    Unknown,
}

impl ParameterType {
    /// Whether its values have an order, so that they may begin with a [`Prefix`].
    #[must_use]
    pub const fn has_prefixes(self) -> bool {
        matches!(self, Self::Number | Self::Date | Self::Quantity)
    }
}

impl Search {
    /// The same with the placeholders of `source` at `places`: see [`Text::with_placeholders`].
    #[must_use]
    pub fn with_placeholders(&self, source: &str, places: &[Range<usize>]) -> Self {
        let parameters = self.parameters.iter().map(|parameter| Parameter {
            values: parameter.values.iter().map(|value| value.with_placeholders(source, places)).collect(),
            ..parameter.clone()
        });
        Self { subject: self.subject.clone(), parameters: parameters.collect() }
    }
}

impl Subject {
    /// The only type of the search, `Encounter` or `[Encounter]`.
    #[must_use]
    pub fn resource_type(&self) -> Option<String> {
        match self {
            Self::Type(name) => Some(name.to_string()),
            Self::Types(names) => match &names[..] {
                [name] => Some(name.to_string()),
                _ => None,
            },
            Self::Any => None,
        }
    }
}

impl Parameter {
    /// The name without its modifier: `status`, `subject:Patient.name`, `_has:Observation:patient:code`.
    #[must_use]
    pub fn code(&self) -> String {
        let mut code = String::new();
        for (index, step) in self.name.iter().enumerate() {
            let is_last = index + 1 == self.name.len();
            match step {
                Step::Has { resource, reference } => code.push_str(&format!("_has:{resource}:{reference}:")),
                Step::Code { code: own, qualifier } => {
                    code.push_str(&own.to_string());
                    if let Some(qualifier) = qualifier.as_ref().filter(|_| !is_last) {
                        code.push_str(&format!(":{qualifier}"));
                    }
                    code.push_str(if is_last { "" } else { "." });
                }
            }
        }
        code
    }

    /// The text after the `:` of the last step, as written.
    #[must_use]
    pub fn qualifier(&self) -> Option<&Text> {
        match self.name.last() {
            Some(Step::Code { qualifier, .. }) => qualifier.as_ref(),
            _ => None,
        }
    }

    /// The modifier, if there is one.
    #[must_use]
    pub fn modifier(&self) -> Option<Modifier> {
        self.qualifier().map(|qualifier| Modifier::read(&qualifier.to_string()))
    }

    /// Whether it asks about another resource: `subject.name` or `_has:…`.
    #[must_use]
    pub fn is_chained(&self) -> bool {
        self.name.len() > 1
    }

    /// Whether it asks about a resource that refers to this one: `_has:…`.
    #[must_use]
    pub fn is_reverse_chained(&self) -> bool {
        self.name.iter().any(|step| matches!(step, Step::Has { .. }))
    }

    /// Whether it asks for anything other than one value: a modifier, one of several values, or a prefix.
    #[must_use]
    pub fn is_more_than_equal(&self, of: ParameterType) -> bool {
        let has_prefix = |value: &Text| match of {
            ParameterType::Unknown => Prefix::seems_to_begin(&value.to_string()),
            of => of.has_prefixes() && Prefix::split(value).0.is_some_and(|prefix| prefix != Prefix::Eq),
        };
        self.qualifier().is_some() || self.values.len() > 1 || self.values.iter().any(has_prefix)
    }
}

/// The place in the text does not matter.
impl PartialEq for Parameter {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.values == other.values
    }
}

impl Eq for Parameter {}
