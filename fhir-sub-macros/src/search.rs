//! [`Search`]: a FHIR search as it is written, before anything is known of its types and parameters.
//!
//! <https://hl7.org/fhir/R4/search.html>, and what HAPI FHIR adds for subscriptions: `[*]` and `[A,B]`.

mod comparison;
mod parse;
#[cfg(any(test, fuzzing))]
mod print;
mod text;

#[cfg(test)]
mod tests;

use std::ops::Range;

pub(crate) use self::comparison::comparison;
pub(crate) use self::parse::parse;
pub(crate) use self::text::Text;

/// `Type?name=value&name=value`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Search {
    pub(crate) subject: Subject,
    pub(crate) parameters: Vec<Parameter>,
}

/// What stands before the `?`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// `Encounter`
    Type(Text),
    /// `[Encounter,Patient]`
    Types(Vec<Text>),
    /// `[*]`
    Any,
}

/// `name=value,value`: the resource has one of the values.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: Vec<Step>,
    /// One at least.
    pub(crate) values: Vec<Text>,
    pub(crate) place: Range<usize>,
}

/// A part of a parameter's name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// `code` or `code:qualifier`: on a name's last step the qualifier is a modifier, on those before it,
    /// which a `.` follows, the type that a reference points to.
    Code { code: Text, qualifier: Option<Text> },
    /// `_has:Observation:patient:`, which another step follows.
    Has { resource: Text, reference: Text },
}

/// Where it stood in the text is no part of what is said.
impl PartialEq for Parameter {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.values == other.values
    }
}

impl Eq for Parameter {}
