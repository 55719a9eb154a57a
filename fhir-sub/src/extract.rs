//! [`FromNotification`]: the arguments of a handler. One extractor a file.

mod deadline;
mod event;
mod fhir_client;
mod included;
mod incoming;
mod resource;
mod state;

use std::any::{Any, TypeId};
use std::future::Future;

pub use resource::Resource;
pub use state::State;

use crate::notification::Notification;
use crate::rejection::Rejection;

/// A handler's argument, made from each notification.
///
/// These types implement it: [`Resource<T>`], `Option<Resource<T>>`, [`Event`](crate::Event), [`FhirClient`](crate::FhirClient),
/// [`Included`](crate::Included), [`Incoming`](crate::Incoming), [`State<S>`] and [`Deadline`](crate::Deadline). Implement it for your
/// own type to share a first step between handlers.
///
/// ```
/// use fhir_sub::{FromNotification, Notification, Rejection};
///
/// /// The type of the resource, without parsing it.
/// struct ResourceType(String);
///
/// impl FromNotification for ResourceType {
///     async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
///         let focus = notification.event().focus().and_then(|focus| focus.split_once('/'));
///         match focus {
///             Some((resource_type, _)) => Ok(Self(resource_type.to_owned())),
///             None => Err(Rejection::unprocessable("the notification names no resource")),
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a handler cannot take `{Self}` as an argument",
    label = "not something that a notification gives",
    note = "take `Resource<T>`, `Option<Resource<T>>`, `Event`, `FhirClient`, `State<S>` or `Deadline`, \
            or implement `fhir_sub::FromNotification` for the type"
)]
pub trait FromNotification: Sized {
    /// Whether the argument is made from the resource. If so, and a notification only names the resource, the program
    /// reads the resource from the FHIR server.
    const RESOURCE: ResourceUse = ResourceUse::Unused;

    /// Whether the argument may look at the event. The program computes the event's identity, which takes two digests,
    /// only if this is true.
    #[doc(hidden)]
    const EVENT: bool = true;

    /// Whether the argument may look at the [other resources](crate::Included) of the notification. The program copies
    /// them only if this is true.
    const INCLUDED: bool = false;

    /// Whether [`require`](Self::require) may name something. The program calls `require` only if this is true.
    #[doc(hidden)]
    const REQUIREMENTS: bool = true;

    /// Names the states that must be there when the program starts.
    fn require(_requirements: &mut Requirements) {}

    /// The argument's value for `notification`.
    fn from_notification(
        notification: &Notification<'_>,
    ) -> impl Future<Output = Result<Self, Rejection>> + Send;
}

/// Whether an argument is made from the notification's resource. If a handler has several arguments, the greatest value counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResourceUse {
    /// No. The resource need not be there.
    #[default]
    Unused,
    /// Yes, if there is one.
    Optional,
    /// Yes, and a notification without a resource cannot be handled. A handler with `delete` in `on` does not compile. If `content` is
    /// `"empty"`, the program looks the resource up.
    Required,
}

/// The needs of a handler's arguments when the program starts.
#[derive(Debug, Default)]
pub struct Requirements {
    pub(crate) states: Vec<RequiredState>,
    /// The types of resource that arguments name.
    pub(crate) resource_types: Vec<&'static str>,
}

#[derive(Debug)]
pub(crate) struct RequiredState {
    pub(crate) id: TypeId,
    pub(crate) name: &'static str,
}

impl Requirements {
    /// The requirements that `require` names.
    pub(crate) fn of(require: fn(&mut Self)) -> Self {
        let mut requirements = Self::default();
        require(&mut requirements);
        requirements
    }

    /// Requires a state of type `S`: if `setup` provides none, the program does not start.
    pub fn state<S: Any + Send + Sync>(&mut self) {
        self.states.push(RequiredState { id: TypeId::of::<S>(), name: std::any::type_name::<S>() });
    }
}
