//! The values that the definitions list for a parameter, to check a value that is known only when the program
//! starts.

use super::{Check, Purpose};
use crate::definitions::{Definitions, FhirVersion, Kind, Targets, Token};
use crate::search::{Modifier, ParameterType, Search, Subject};

/// The permitted values of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// `true` or `false`.
    Boolean,
    /// The codes of a required binding.
    Codes {
        /// Each code system with its codes.
        systems: Vec<(&'static str, Vec<&'static str>)>,
        /// Whether no other code is possible, because the element has at most one code.
        is_single: bool,
    },
    /// The types that a reference may point to.
    Targets(Vec<&'static str>),
    /// The types of the values that `$` joins.
    Components(Vec<ParameterType>),
}

/// The allowed values of each parameter of a search, in order, in a version that accepts the search. `None`
/// if the definitions list nothing. Also `None` for a chain, because one of several types is enough for it.
#[must_use]
pub fn allowed(search: &Search, version: FhirVersion, also: &[String]) -> Vec<Option<Allowed>> {
    let check = Check { definitions: Definitions::of(version), purpose: Purpose::Subscription, also };
    let on = match &search.subject {
        Subject::Type(name) => check.definitions.resource_type(&name.to_string()),
        Subject::Types(_) | Subject::Any => None,
    };
    let of = |parameter: &crate::search::Parameter| {
        if parameter.is_chained() {
            return None;
        }
        match (check.kind(&[on?], &parameter.name)?, parameter.modifier()) {
            (Kind::Token(Token::Boolean), None | Some(Modifier::Not)) => Some(Allowed::Boolean),
            (Kind::Token(Token::Codes(codes)), None | Some(Modifier::Not)) => {
                Some(Allowed::Codes { systems: codes.systems, is_single: codes.is_single })
            }
            (Kind::Token(Token::ResourceType), None | Some(Modifier::Not)) => {
                let abstract_types = ["Resource", "DomainResource"];
                let types = check.definitions.resource_types().chain(abstract_types).collect();
                Some(Allowed::Codes { systems: vec![("", types)], is_single: false })
            }
            (Kind::Reference(Targets::Types(types)), None) => Some(Allowed::Targets(types)),
            (Kind::Composite(kinds), None) => {
                Some(Allowed::Components(kinds.iter().map(Kind::parameter_type).collect()))
            }
            _ => None,
        }
    };
    search.parameters.iter().map(of).collect()
}
