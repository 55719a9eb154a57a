//! [`Uses`]: what a handler's arguments are made from.

use crate::extract::{FromNotification, ResourceUse};

/// What the arguments of a handler are made from, known to the compiler: at a cold start only those of ten thousand
/// handlers are asked what they need that may need something.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uses {
    /// Whether one is made from the resource.
    pub resource: ResourceUse,
    /// Whether one may look at the event.
    pub event: bool,
    /// Whether one may look at what else the notification carries.
    pub included: bool,
    /// Whether one may need something when the program starts.
    pub requirements: bool,
}

impl Uses {
    /// The uses of no argument.
    pub const NOTHING: Self =
        Self { resource: ResourceUse::Unused, event: false, included: false, requirements: false };

    /// What an argument of type `A` uses.
    #[must_use]
    pub const fn of<A: FromNotification>() -> Self {
        Self { resource: A::RESOURCE, event: A::EVENT, included: A::INCLUDED, requirements: A::REQUIREMENTS }
    }

    /// What both use.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        let is_more = self.resource as u8 > other.resource as u8;
        Self {
            resource: if is_more { self.resource } else { other.resource },
            event: self.event || other.event,
            included: self.included || other.included,
            requirements: self.requirements || other.requirements,
        }
    }
}
