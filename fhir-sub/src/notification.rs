//! [`Notification`]: one decoded event, with everything that its handler may ask for.

use std::any::Any;
use std::sync::Arc;

use crate::client::FhirClient;
use crate::deadline::Deadline;
use crate::event::Event;
use crate::included::Included;
use crate::incoming::Way;
use crate::provided::Provided;

/// One event of a subscription, with the sources of a handler's arguments.
///
/// A handler does not see a `Notification`: its arguments are made from it by [`FromNotification`](crate::FromNotification).
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
    /// The facts of the event.
    #[must_use]
    pub fn event(&self) -> &'a Event {
        self.event
    }

    /// The resource as the server sent it, as JSON. `None` for a deletion, and if the notification names no resource.
    ///
    /// If the notification only names the resource, the program has read the resource from the FHIR server, provided
    /// that an argument of the handler is made from it
    /// ([`FromNotification::RESOURCE`](crate::FromNotification::RESOURCE)).
    ///
    /// The text is one object of the type in the [focus](Event::focus), with its id or without one. If an argument is
    /// made from the resource, that argument must check the JSON. Otherwise, the program has checked the JSON.
    #[must_use]
    pub fn resource(&self) -> Option<&'a str> {
        self.resource
    }

    /// The other resources of the notification. Empty unless an argument of the handler looks at them
    /// ([`FromNotification::INCLUDED`](crate::FromNotification::INCLUDED)).
    #[must_use]
    pub fn included(&self) -> &'a Included {
        self.included
    }

    /// The endpoint that was called, as the attribute has it.
    #[must_use]
    pub fn endpoint(&self) -> &'a str {
        self.endpoint
    }

    /// The path before the endpoint, without a slash at its end: `/prod` for `/prod/finished`. Empty for an event without a request.
    #[must_use]
    pub fn prefix(&self) -> &'a str {
        self.way.prefix()
    }

    /// The header `name`, in any case. `None` unless [`setup`](crate::AppBuilder::allow_header) allows the header, and
    /// the request has it exactly once, as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.way.header(name)
    }

    /// The tenant whose FHIR server sent the notification, if the program has
    /// [tenants](crate::AppBuilder::tenant).
    #[must_use]
    pub fn tenant(&self) -> Option<&'a str> {
        self.provided.tenant()
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

    /// The end of the invocation.
    #[must_use]
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }
}

impl std::fmt::Debug for Notification<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The resource is left out, because it is patient data.
        formatter.debug_struct("Notification").field("event", self.event).finish_non_exhaustive()
    }
}
