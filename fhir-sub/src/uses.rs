//! [`Uses`]: the uses of a handler's arguments.

use crate::extract::{FromNotification, ResourceUse};

/// The uses of a handler's arguments. The compiler knows them, so at a cold start `require` is called only for handlers
/// that can need something.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uses {
    /// Whether an argument is made from the resource.
    pub resource: ResourceUse,
    /// Whether an argument may look at the event.
    pub event: bool,
    /// Whether an argument may look at the notification's other resources.
    pub included: bool,
    /// Whether an argument may need something when the program starts.
    pub requirements: bool,
}

impl Uses {
    /// The uses of no argument.
    pub const NOTHING: Self =
        Self { resource: ResourceUse::Unused, event: false, included: false, requirements: false };

    /// The uses of an argument of type `A`.
    #[must_use]
    pub const fn of<A: FromNotification>() -> Self {
        Self { resource: A::RESOURCE, event: A::EVENT, included: A::INCLUDED, requirements: A::REQUIREMENTS }
    }

    /// The uses of both.
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
