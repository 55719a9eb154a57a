//! [`Declaration`]: what the attribute says of one handler, as constant data, and the slice of them all.

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
use crate::uses::Uses;

/// A handler's future.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// All that one `#[fhir_subscription(…)]` says, and its handler.
///
/// Made by the attribute only; its fields are no public interface.
#[doc(hidden)]
pub struct Declaration {
    /// The function's name.
    pub handler: &'static str,
    /// Where the function stands.
    pub source: Source,
    /// The search or the topic that the server watches.
    pub trigger: Trigger,
    /// Whether the criteria, or a filter, has a placeholder. If not, its text is not looked at when the program starts.
    pub has_placeholders: bool,
    /// The path segment that the server calls.
    pub endpoint: &'static str,
    /// `Subscription.reason`.
    pub reason: &'static str,
    /// The interactions wanted.
    pub interactions: Interactions,
    /// How much of the resource a notification carries.
    pub content: Content,
    /// How much of a notification is believed.
    pub trust: Trust,
    /// The order of a resource's events.
    pub order: Order,
    /// `Subscription.end`, a FHIR `instant`.
    pub end: Option<&'static str>,
    /// The versions of FHIR in which the declaration is right.
    pub versions: FhirVersions,
    /// The types of the parameters in the criteria, or in the filters, one after the other; see
    /// [`parameters`](Self::parameters).
    pub parameter_types: &'static [ParameterType],
    /// What the values of those parameters may be that have a placeholder, as far as FHIR lists it.
    pub allowed: Option<&'static [Allowed]>,
    /// Has the last word on the registered resource.
    pub registration: Option<fn(&mut Subscription)>,
    /// The sources of the arguments.
    pub uses: Uses,
    /// Names what the arguments need at start-up.
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
    /// The search that finds what the handler is for; `None` where the type is not known, or not the one.
    pub(crate) fn search(&self) -> Option<String> {
        self.trigger.search(&self.resource_types())
    }

    /// The same where the criteria, or the filters of the topic, are these.
    pub(crate) fn search_by(&self, criteria: &str, filters: &[&str]) -> Option<String> {
        match self.trigger {
            Trigger::Criteria(_) => of_one_type(criteria),
            Trigger::Topic(_) => filtered(filters, &self.resource_types()),
        }
    }

    /// Whether the handler is for what has happened. A topic may fire for several types of resource, of which a filter
    /// narrows its own only, and the handler be for one.
    pub(crate) fn is_wanted(&self, event: &Event) -> bool {
        let is_taken = || {
            let Some(resource_type) = event.resource_type() else { return true };
            let types = self.resource_types();
            types.is_empty() || types.contains(&resource_type)
        };
        self.interactions.contains(event.interaction()) && is_taken()
    }

    /// The parameters of the criteria, or of all filters, as they were written, with the types that FHIR gives them:
    /// [`ParameterType::Unknown`] for what only the server knows, or was left unchecked.
    pub fn parameters(&self) -> impl Iterator<Item = (Written<'static>, ParameterType)> {
        let texts = match &self.trigger {
            Trigger::Criteria(criteria) => std::slice::from_ref(criteria),
            Trigger::Topic(topic) => topic.filters,
        };
        let types = self.parameter_types.iter().copied().chain(std::iter::repeat(ParameterType::Unknown));
        texts.iter().flat_map(|text| search::split_filter(text)).zip(types)
    }

    /// Whether an argument is made from the resource, so that an event which names none must be looked up.
    pub(crate) fn needs_resource(&self) -> bool {
        self.uses.resource == ResourceUse::Required
    }

    /// Whether an event that names nothing is looked up: where an argument is made from the resource; and where one may be,
    /// if the server was asked for it, since none is no deletion then.
    pub(crate) fn looks_up(&self) -> bool {
        match self.uses.resource {
            ResourceUse::Unused => false,
            ResourceUse::Optional => self.content != Content::Empty,
            ResourceUse::Required => true,
        }
    }

    /// The types of resource that the handler is for, as far as its arguments or the filters of its topic say it.
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

    /// The types of resource that the arguments of a topic's handler say they are read from.
    fn resource_types(&self) -> Vec<&'static str> {
        match self.trigger {
            Trigger::Criteria(_) => Vec::new(),
            Trigger::Topic(_) => Requirements::of(self.require).resource_types,
        }
    }
}

/// Where a handler stands.
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

/// The [`Source`] at which it stands.
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
    /// Searches that narrow it, all of which must hold: `Encounter?patient=Patient/1`.
    pub filters: &'static [&'static str],
    /// Seconds after which the server sends a heartbeat.
    pub heartbeat: Option<u32>,
    /// Seconds after which the server gives up on an attempt.
    pub timeout: Option<u32>,
    /// The most events that the server may put in one notification.
    pub max_count: Option<u32>,
}

impl Trigger {
    /// The text that stands for it in `Subscription.criteria`, in tables and in reports.
    pub(crate) fn text(&self) -> &'static str {
        match self {
            Self::Criteria(criteria) => criteria,
            Self::Topic(topic) => topic.url,
        }
    }

    /// The search that finds the resources it fires for, and others. `said` are the types that the handler's arguments say
    /// they are read from. `None` where the type is not known, or not the one.
    pub(crate) fn search(&self, said: &[&str]) -> Option<String> {
        match self {
            Self::Criteria(criteria) => of_one_type(criteria),
            Self::Topic(topic) => filtered(topic.filters, said),
        }
    }

    /// The one type of resource that it watches; `None` for `[*]`, `[A,B]` and the like.
    pub(crate) fn resource_type(&self) -> Option<&'static str> {
        let Self::Criteria(criteria) = self else { return None };
        search::resource_type(criteria)
    }
}

/// A criteria as a search; `None` where it watches several types.
fn of_one_type(criteria: &str) -> Option<String> {
    let (_, parameters) = search::split(criteria);
    search::resource_type(criteria).map(|one| format!("{one}?{parameters}"))
}

/// The search that finds what filters let through. The topic may narrow it further, in ways of its own.
///
/// `said` are the types that the handler's arguments say they are read from. `None` where the type is not known, or not the
/// one.
fn filtered(filters: &[&str], said: &[&str]) -> Option<String> {
    let written = || filters.iter().flat_map(|filter| search::split_filter(filter));
    let mut types: Vec<_> = if said.is_empty() {
        written().filter_map(|filter| filter.resource_type).collect()
    } else {
        said.to_vec()
    };
    types.sort_unstable();
    types.dedup();
    let [resource_type] = types[..] else { return None };
    // A filter without a type is of whatever the topic fires for.
    let own = written().filter(|filter| filter.resource_type.is_none_or(|of| of == resource_type));
    let parameters: Vec<_> = own.map(|filter| format!("{}={}", filter.name, filter.value)).collect();
    Some(format!("{resource_type}?{}", parameters.join("&")))
}

/// How much of a notification is believed: the attribute's `trust`.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trust {
    /// What it carries.
    #[default]
    Notification,
    /// The reference in it: the resource is read from the server, and a deletion confirmed there.
    Reference,
}

/// Which versions of a resource are wanted after others: the attribute's `order`.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// All, in whatever order they come, several at once if they do.
    #[default]
    Any,
    /// Only newer ones, one after the other.
    Latest,
}

/// Every declaration linked into the program.
///
/// The order is the linker's: sort before use. A crate that is a dependency but is named nowhere in code
/// is not linked, and its declarations are not here.
#[doc(hidden)]
#[distributed_slice]
pub static FHIR_SUB_DECLARATIONS: [Declaration];

#[cfg(test)]
mod tests;
