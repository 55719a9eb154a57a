//! [`Declaration`]: the attribute of one handler, as a constant, and the slice of all declarations.

mod allowed;
mod sweepable;

use std::fmt;
use std::pin::Pin;

use fhir_sub_search::search::{self, ParameterType, Written};
use linkme::distributed_slice;

pub use crate::content::Content;
pub use allowed::{Allowed, AllowedValues};
pub(crate) use sweepable::Sweepable;

use crate::event::Event;
use crate::extract::{Requirements, ResourceUse};
use crate::fhir::{FhirVersions, Subscription};
use crate::interaction::Interactions;
use crate::notification::Notification;
use crate::outcome::Outcome;
use crate::sorted;
use crate::uses::Uses;

/// A handler's future.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Everything in one `#[fhir_subscription(…)]`, and its handler.
///
/// Only the attribute creates it; its fields are not a public interface.
#[doc(hidden)]
pub struct Declaration {
    /// The function's name.
    pub handler: &'static str,
    /// Where the function stands.
    pub source: Source,
    /// The search or the topic that the server watches.
    pub trigger: Trigger,
    /// Whether the criteria, the topic, or a filter has a placeholder. If not, the start of the program skips these texts.
    pub has_placeholders: bool,
    /// The path segment that the server calls.
    pub endpoint: &'static str,
    /// `Subscription.reason`.
    pub reason: &'static str,
    /// The interactions wanted.
    pub interactions: Interactions,
    /// How much of the resource a notification carries.
    pub content: Content,
    /// How much of a notification is trusted.
    pub trust: Trust,
    /// The order of a resource's events.
    pub order: Order,
    /// `Subscription.end`, a FHIR `instant`.
    pub end: Option<&'static str>,
    /// The versions of FHIR that accept the declaration.
    pub versions: FhirVersions,
    /// The types of the parameters in the criteria, or in the filters, one after the other; see
    /// [`parameters`](Self::parameters).
    pub parameter_types: &'static [ParameterType],
    /// The values that FHIR lists for the parameters with a placeholder.
    pub allowed: Option<&'static [Allowed]>,
    /// Changes the Subscription last, before it is registered.
    pub registration: Option<fn(&mut Subscription)>,
    /// The sources of the arguments.
    pub uses: Uses,
    /// Adds what the arguments need at start-up.
    pub require: fn(&mut Requirements),
    /// Makes the arguments and runs the function.
    pub run: for<'a> fn(&'a Notification<'a>) -> BoxFuture<'a, Outcome>,
}

impl fmt::Debug for Declaration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Declaration")
            .field("handler", &self.handler)
            .field("source", &self.source)
            .field("trigger", &self.trigger)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl Declaration {
    /// The search that finds the handler's resources. `None` if there is not exactly one known type.
    pub(crate) fn search(&self) -> Option<String> {
        self.trigger.search(&self.resource_types())
    }

    /// The same with another criteria, or with other filters of the topic.
    pub(crate) fn search_by(&self, criteria: &str, filters: &[&str]) -> Option<String> {
        match self.trigger {
            Trigger::Criteria(_) => of_one_type(criteria),
            Trigger::Topic(_) => filtered(filters, &self.resource_types()),
        }
    }

    /// Whether the handler wants the event. A topic may fire for several types of resource, while a filter
    /// narrows only its own type, and the handler takes only one type.
    pub(crate) fn is_wanted(&self, event: &Event) -> bool {
        let is_taken = || {
            let Some(resource_type) = event.resource_type() else { return true };
            let types = self.resource_types();
            types.is_empty() || types.contains(&resource_type)
        };
        self.interactions.contains(event.interaction()) && is_taken()
    }

    /// The parameters of the criteria, or of all filters, as written, with their FHIR types. The type is
    /// [`ParameterType::Unknown`] if only the server knows the parameter, or if the text is unchecked.
    pub fn parameters(&self) -> impl Iterator<Item = (Written<'static>, ParameterType)> {
        let texts = match &self.trigger {
            Trigger::Criteria(criteria) => std::slice::from_ref(criteria),
            Trigger::Topic(topic) => topic.filters,
        };
        let types = self.parameter_types.iter().copied().chain(std::iter::repeat(ParameterType::Unknown));
        texts.iter().flat_map(|text| search::split_filter(text)).zip(types)
    }

    /// Whether an argument needs the resource, so that an event without a name must be looked up.
    pub(crate) fn needs_resource(&self) -> bool {
        self.uses.resource == ResourceUse::Required
    }

    /// Whether an event without a name is looked up. It is if an argument needs the resource. It is also if
    /// an argument takes the resource optionally and the subscription asked the server for it: then a missing
    /// resource is not a deletion.
    pub(crate) fn looks_up(&self) -> bool {
        match self.uses.resource {
            ResourceUse::Unused => false,
            ResourceUse::Optional => self.content != Content::Empty,
            ResourceUse::Required => true,
        }
    }

    /// The types of resource that the handler takes, if its arguments or the filters of its topic say them.
    pub(crate) fn types(&self) -> Vec<&'static str> {
        match self.trigger {
            Trigger::Criteria(_) => self.trigger.resource_type().into_iter().collect(),
            Trigger::Topic(topic) => {
                let said = self.resource_types();
                let filters = || topic.filters.iter().flat_map(|filter| search::split_filter(filter));
                let filtered = || filters().filter_map(|filter| filter.resource_type);
                if said.is_empty() { filtered().collect() } else { said }
            }
        }
    }

    /// The types of resource that the arguments of a topic's handler name.
    fn resource_types(&self) -> Vec<&'static str> {
        match self.trigger {
            Trigger::Criteria(_) => Vec::new(),
            Trigger::Topic(_) => Requirements::of(self.require).resource_types,
        }
    }
}

/// The place of a handler in the source.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// `CARGO_PKG_NAME` of the handler's package.
    pub package: &'static str,
    /// `file!()`.
    pub file: &'static str,
    /// `line!()` of the function's name.
    pub line: u32,
}

/// The [`Source`] of this place.
#[doc(hidden)]
#[macro_export]
macro_rules! __fhir_sub_source {
    () => {
        $crate::__private::Source {
            package: ::core::env!("CARGO_PKG_NAME"),
            file: ::core::file!(),
            line: ::core::line!(),
        }
    };
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)
    }
}

/// The search or the topic that the server watches for a subscription.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trigger {
    /// A FHIR search that a changed resource matches.
    Criteria(&'static str),
    /// A SubscriptionTopic of the server, narrowed by filters.
    Topic(Topic),
}

/// A topic subscription: <https://hl7.org/fhir/R5/subscription.html>.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic {
    /// The canonical URL of the SubscriptionTopic.
    pub url: &'static str,
    /// Searches that narrow the topic; all of them must hold: `Encounter?patient=Patient/1`.
    pub filters: &'static [&'static str],
    /// The seconds of silence after which the server sends a heartbeat.
    pub heartbeat: Option<u32>,
    /// Seconds after which the server gives up on an attempt.
    pub timeout: Option<u32>,
    /// The most events that the server may put in one notification.
    pub max_count: Option<u32>,
}

impl Trigger {
    /// The text that represents it in `Subscription.criteria`, in tables and in reports.
    pub(crate) fn text(&self) -> &'static str {
        match self {
            Self::Criteria(criteria) => criteria,
            Self::Topic(topic) => topic.url,
        }
    }

    /// A search that finds all resources that it fires for, and perhaps others. `said` are the types that the
    /// handler's arguments name. `None` if there is not exactly one known type.
    pub(crate) fn search(&self, said: &[&str]) -> Option<String> {
        match self {
            Self::Criteria(criteria) => of_one_type(criteria),
            Self::Topic(topic) => filtered(topic.filters, said),
        }
    }

    /// The type that it watches; `None` if there are several, as in `[*]` and `[A,B]`.
    pub(crate) fn resource_type(&self) -> Option<&'static str> {
        let Self::Criteria(criteria) = self else { return None };
        search::resource_type(criteria)
    }
}

/// A criteria as a search; `None` if it watches several types.
fn of_one_type(criteria: &str) -> Option<String> {
    let (_, parameters) = search::split(criteria);
    search::resource_type(criteria).map(|one| format!("{one}?{parameters}"))
}

/// A search that finds everything that the filters allow. The topic itself may narrow it further.
///
/// `said` are the types that the handler's arguments name. `None` if there is not exactly one known type.
fn filtered(filters: &[&str], said: &[&str]) -> Option<String> {
    let written = || filters.iter().flat_map(|filter| search::split_filter(filter));
    let mut types: Vec<_> = if said.is_empty() {
        written().filter_map(|filter| filter.resource_type).collect()
    } else {
        said.to_vec()
    };
    sorted::by(&mut types, Ord::cmp);
    types.dedup();
    let [resource_type] = types[..] else { return None };
    // A filter without a type applies to every type of the topic.
    let own = written().filter(|filter| filter.resource_type.is_none_or(|of| of == resource_type));
    let parameters: Vec<_> = own.map(|filter| format!("{}={}", filter.name, filter.value)).collect();
    Some(format!("{resource_type}?{}", parameters.join("&")))
}

/// How much of a notification is trusted: the attribute's `trust`.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trust {
    /// Its content.
    #[default]
    Notification,
    /// Only its reference: the resource is read from the server, and the server must confirm a deletion.
    Reference,
}

/// The wanted versions of a resource: the attribute's `order`.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// All versions, in any order, several at the same time.
    #[default]
    Any,
    /// Only newer versions, one after the other.
    Latest,
}

/// Every declaration that is linked into the program.
///
/// The order is the linker's: sort before use. A dependency that no code names is not linked, so its
/// declarations are missing here.
#[doc(hidden)]
#[distributed_slice]
pub static FHIR_SUB_DECLARATIONS: [Declaration];

#[cfg(test)]
mod tests;
