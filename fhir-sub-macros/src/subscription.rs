//! [`Subscription`]: the checked attribute and function. It can always be expanded.

use proc_macro2::{Ident, Span};
use syn::{Attribute, LitStr, Path, Type};

use crate::endpoint::Endpoint;
use fhir_sub_search::criteria::Allowed;
use fhir_sub_search::definitions::FhirVersion;
use fhir_sub_search::search::ParameterType;

/// One `#[fhir_subscription(…)]` and its handler.
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
    pub(crate) trust: Trust,
    pub(crate) order: Order,
    pub(crate) end: Option<LitStr>,
    /// The versions that accept the criteria, or all filters: at least one.
    pub(crate) versions: Vec<FhirVersion>,
    /// The types of the parameters in the criteria or in the filters, in order; empty if they are unchecked.
    pub(crate) parameter_types: Vec<ParameterType>,
    /// The permitted values of the parameters with a placeholder.
    pub(crate) allowed: Vec<AllowedOf>,
    pub(crate) registration: Option<Path>,
}

/// The permitted values of one parameter, in some versions of FHIR.
#[derive(Debug)]
pub(crate) struct AllowedOf {
    /// The index of the parameter, counted over all of them.
    pub(crate) parameter: usize,
    pub(crate) versions: Vec<FhirVersion>,
    pub(crate) values: Allowed,
}

/// The function: free, async and without generic parameters.
pub(crate) struct Handler {
    pub(crate) name: Ident,
    /// The conditions under which the function is compiled.
    pub(crate) conditions: Vec<Attribute>,
    pub(crate) is_deprecated: bool,
    pub(crate) arguments: Vec<Type>,
    pub(crate) output: Output,
}

/// The result of the function.
pub(crate) enum Output {
    /// No result type is written.
    Unit,
    Type(Box<Type>),
    /// A type with an `impl Trait`, which cannot be repeated. The span is its place.
    Unnamed(Span),
}

/// The search or the topic that the server watches.
pub(crate) enum Trigger {
    Criteria(LitStr),
    Topic(Topic),
}

/// A SubscriptionTopic of the server, with its options.
pub(crate) struct Topic {
    pub(crate) url: LitStr,
    pub(crate) filters: Vec<LitStr>,
    pub(crate) heartbeat: Option<u32>,
    pub(crate) timeout: Option<u32>,
    pub(crate) max_count: Option<u32>,
}

/// The types of resource that the trigger fires for.
pub(crate) enum Watched {
    One(String),
    /// Several types, or all.
    Several,
    /// The types of a topic, which only the server knows.
    Unknown,
}

/// The wanted interactions: at least one.
pub(crate) struct Interactions {
    pub(crate) create: bool,
    pub(crate) update: bool,
    pub(crate) delete: bool,
}

/// How much of the resource a notification carries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Empty,
    /// For topics only.
    IdOnly,
    FullResource,
}

/// How much of a notification is trusted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Its content.
    Notification,
    /// Only its reference: the resource is read from the server.
    Reference,
}

/// The order of a resource's events.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// All versions, in any order.
    Any,
    /// Only newer versions, one after the other.
    Latest,
}

impl Trigger {
    /// The text of the trigger.
    pub(crate) fn literal(&self) -> &LitStr {
        match self {
            Self::Criteria(criteria) => criteria,
            Self::Topic(topic) => &topic.url,
        }
    }
}
