//! [`Subscription`]: what the attribute and its function say, checked. What is here can be expanded.

use proc_macro2::{Ident, Span};
use syn::{Attribute, LitStr, Path, Type};

use crate::definitions::FhirVersion;
use crate::endpoint::Endpoint;

/// All that one `#[fhir_subscription(…)]` says, and its handler.
pub(crate) struct Subscription {
    /// The path of `fhir_sub`.
    pub(crate) fhir_sub: Path,
    pub(crate) handler: Handler,
    pub(crate) trigger: Trigger,
    pub(crate) watched: Watched,
    pub(crate) endpoint: Endpoint,
    pub(crate) reason: String,
    pub(crate) interactions: Interactions,
    pub(crate) content: Content,
    pub(crate) end: Option<LitStr>,
    /// In which the criteria is right: one at least.
    pub(crate) versions: Vec<FhirVersion>,
    pub(crate) registration: Option<Path>,
}

/// The function: free, async and without generic parameters.
pub(crate) struct Handler {
    pub(crate) name: Ident,
    /// The conditions under which it is compiled.
    pub(crate) conditions: Vec<Attribute>,
    pub(crate) is_deprecated: bool,
    pub(crate) arguments: Vec<Type>,
    pub(crate) output: Output,
}

/// What the function gives back.
pub(crate) enum Output {
    /// Nothing is written.
    Unit,
    Type(Box<Type>),
    /// A type with an `impl Trait` in it, which has no name to repeat. It stands here.
    Unnamed(Span),
}

/// What the server watches.
pub(crate) enum Trigger {
    Criteria(LitStr),
}

/// The types of resource that the trigger fires for.
pub(crate) enum Watched {
    One(String),
    /// Some, or all.
    Several,
}

/// The interactions wanted: one at least.
pub(crate) struct Interactions {
    pub(crate) create: bool,
    pub(crate) update: bool,
    pub(crate) delete: bool,
}

/// How much of the resource a notification carries: of what there is, what a server can send for a criteria.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Empty,
    FullResource,
}
