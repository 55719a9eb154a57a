//! [`Subscription`]: what the attribute and its function say, checked. What is here can be expanded.

use proc_macro2::{Ident, Span};
use syn::{Attribute, LitStr, Path, Type};

use crate::endpoint::Endpoint;
use fhir_sub_search::criteria::Allowed;
use fhir_sub_search::definitions::FhirVersion;
use fhir_sub_search::search::ParameterType;

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
    pub(crate) trust: Trust,
    pub(crate) order: Order,
    pub(crate) end: Option<LitStr>,
    /// In which the criteria, or all filters, are right: one at least.
    pub(crate) versions: Vec<FhirVersion>,
    /// The types of the parameters in the criteria, or in the filters, one after the other: none where they are unchecked.
    pub(crate) parameter_types: Vec<ParameterType>,
    /// The permitted values of the parameters with a placeholder.
    pub(crate) allowed: Vec<AllowedOf>,
    pub(crate) registration: Option<Path>,
}

/// The permitted values of one parameter, in some versions of FHIR.
#[derive(Debug)]
pub(crate) struct AllowedOf {
    /// The place of the parameter among all.
    pub(crate) parameter: usize,
    pub(crate) versions: Vec<FhirVersion>,
    pub(crate) values: Allowed,
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

/// The result of the function.
pub(crate) enum Output {
    /// Nothing is written.
    Unit,
    Type(Box<Type>),
    /// A type with an `impl Trait` in it, which has no name to repeat. It stands here.
    Unnamed(Span),
}

/// The search or the topic that the server watches.
pub(crate) enum Trigger {
    Criteria(LitStr),
    Topic(Topic),
}

/// A SubscriptionTopic of the server, and what is asked of it.
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
    /// Some, or all.
    Several,
    /// What the topic, which only the server knows, fires for.
    Unknown,
}

/// The interactions wanted: one at least.
pub(crate) struct Interactions {
    pub(crate) create: bool,
    pub(crate) update: bool,
    pub(crate) delete: bool,
}

/// How much of the resource a notification carries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Empty,
    /// Of topics only.
    IdOnly,
    FullResource,
}

/// How much of a notification is believed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// What it carries.
    Notification,
    /// The reference in it: what it refers to is read from the server.
    Reference,
}

/// The order of a resource's events.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// All, as they come.
    Any,
    /// Only newer ones, one after the other.
    Latest,
}

impl Trigger {
    /// The text that names it.
    pub(crate) fn literal(&self) -> &LitStr {
        match self {
            Self::Criteria(criteria) => criteria,
            Self::Topic(topic) => &topic.url,
        }
    }
}
