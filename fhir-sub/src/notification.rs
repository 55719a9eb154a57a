//! [`Notification`]: one event of a subscription, decoded, with all that its handler may ask for.

use std::any::Any;
use std::sync::Arc;

use crate::client::FhirClient;
use crate::deadline::Deadline;
use crate::event::Event;
use crate::included::Included;
use crate::incoming::Way;
use crate::provided::Provided;

/// One event of a subscription, with all that a handler's arguments are made from.
///
/// Handlers do not see it: they name arguments, and each is made by its
/// [`FromNotification`](crate::FromNotification).
pub struct Notification<'a> {
    pub(crate) event: &'a Event,
    pub(crate) resource: Option<&'a str>,
    pub(crate) included: &'a Included,
    pub(crate) endpoint: &'a str,
    pub(crate) way: Way<'a>,
    pub(crate) provided: &'a Provided,
    pub(crate) deadline: Deadline,
}

impl<'a> Notification<'a> {
    /// What the notification says of the event.
    #[must_use]
    pub fn event(&self) -> &'a Event {
        self.event
    }

    /// The resource as the server sent it, as JSON; `None` for a deletion, and where the notification names none.
    ///
    /// It is one object of the type that the [focus](Event::focus) names, with its id or without one. For a handler with an
    /// argument that is made from it ([`FromNotification::RESOURCE`](crate::FromNotification::RESOURCE)), whether all of
    /// it is JSON is left to the argument to find out, in reading it; for any other it has been checked.
    ///
    /// Where it is only named, it was read from the FHIR server, if one of the handler's arguments says that it is made
    /// from it ([`FromNotification::RESOURCE`](crate::FromNotification::RESOURCE)).
    #[must_use]
    pub fn resource(&self) -> Option<&'a str> {
        self.resource
    }

    /// What else the notification carries, if one of the handler's arguments says that it looks at it
    /// ([`FromNotification::INCLUDED`](crate::FromNotification::INCLUDED)); else nothing.
    #[must_use]
    pub fn included(&self) -> &'a Included {
        self.included
    }

    /// The endpoint that was called, as the attribute has it.
    #[must_use]
    pub fn endpoint(&self) -> &'a str {
        self.endpoint
    }

    /// What stood before the endpoint in the path, without a slash at its end: `/prod` for `/prod/finished`. Nothing for an
    /// event that no request told of.
    #[must_use]
    pub fn prefix(&self) -> &'a str {
        self.way.prefix()
    }

    /// The header `name`, in whatever case, if [`setup`](crate::AppBuilder::allow_header) allows it and the request has it
    /// once, as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.way.header(name)
    }

    /// The client of the FHIR server, bound to this invocation's deadline.
    #[must_use]
    pub fn fhir_client(&self) -> FhirClient {
        self.provided.fhir_client().with_deadline(self.deadline)
    }

    /// The state of type `S` that `setup` provided.
    #[must_use]
    pub fn state<S: Any + Send + Sync>(&self) -> Option<Arc<S>> {
        self.provided.state()
    }

    /// When the invocation must have ended.
    #[must_use]
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }
}

impl std::fmt::Debug for Notification<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The resource is left out: it is a patient's.
        formatter.debug_struct("Notification").field("event", self.event).finish_non_exhaustive()
    }
}
