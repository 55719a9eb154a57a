//! What a value that is known only when the program starts may be, where the definitions list it.

use super::{Check, Purpose};
use crate::definitions::{Definitions, FhirVersion, Kind, Targets, Token};
use crate::search::{Modifier, Search, Subject};

/// The permitted values of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// `true` or `false`.
    Boolean,
    /// The codes of a required binding.
    Codes {
        /// Each code system with its codes.
        systems: Vec<(&'static str, Vec<&'static str>)>,
        /// Whether there is nothing beside them, since the element has one code at most.
        is_single: bool,
    },
    /// The types that a reference may point to.
    Targets(Vec<&'static str>),
}

/// What each parameter of a search takes, in their order, in a version in which the search is right. `None` where the
/// definitions list nothing, and of a chain, which is right where one of several types is.
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
            _ => None,
        }
    };
    search.parameters.iter().map(of).collect()
}
