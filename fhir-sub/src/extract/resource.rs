//! [`Resource`]: the resource of a notification.

use std::fmt;
use std::ops::{Deref, DerefMut};

use serde::de::DeserializeOwned;

use super::{FromNotification, ResourceUse};
use crate::notification::Notification;
use crate::rejection::Rejection;

/// The resource of the notification, read into `T`.
///
/// `T` is any type that serde reads: your own struct with the elements that you use, a `serde_json::Value`, or a type
/// of a FHIR crate. If a resource does not fit `T`, the handler does not run. With a durable store, the event becomes a
/// dead letter (`204`); without one, the notification is answered `422`.
///
/// If `T` says [which resource](trait@crate::FhirResource) it is read from, the compiler compares `T` with the criteria
/// or with the filters of the topic. A topic may still fire for other types. Such an event is acknowledged, and the
/// handler does not run.
///
/// | the notification | the handler gets |
/// |---|---|
/// | contains the resource | that resource; with `trust = "reference"`, the resource that is read from the server |
/// | only names the resource | the resource that is read from `FHIR_BASE_URL`: in the named version if the server still has it, else in the current one |
/// | names a resource of another FHIR server | the resource that is read there, if [`setup` names that server](crate::AppBuilder::source); otherwise the event is refused |
/// | names nothing (`content = "empty"`) | the resource that is [looked up](macro@crate::fhir_subscription#empty-notifications) |
/// | is of a deletion | no resource: if `on` has `delete`, take `Option<Resource<T>>` |
///
/// The program reads several resources in one request if possible. If it cannot read from the server, the notification
/// is answered `503`, and the server sends it again. If the resource no longer exists, an `Option<Resource<T>>` is
/// `None`. With `Resource<T>`, the event is acknowledged, the log and `status` report it, and the handler does not run.
///
/// ```
/// use fhir_sub::prelude::*;
///
/// #[derive(serde::Deserialize, FhirResource)]
/// #[fhir(type = "Appointment")]
/// struct Appointment {
///     id: String,
///     description: Option<String>,
/// }
///
/// #[fhir_subscription(criteria = "Appointment?status=booked", endpoint = "booked")]
/// async fn booked(appointment: Resource<Appointment>) {
///     let description: Option<&str> = appointment.description.as_deref();
///     # let _ = (description, &appointment.id);
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Resource<T>(pub T);

impl<T> Resource<T> {
    /// The resource itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Resource<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Resource<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> fmt::Debug for Resource<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A resource in a log line would be a patient in a log line. To print it, print the inner value.
        formatter.debug_struct("Resource").finish_non_exhaustive()
    }
}

impl<T: DeserializeOwned + Send> FromNotification for Resource<T> {
    const RESOURCE: ResourceUse = ResourceUse::Required;
    const EVENT: bool = false;
    const REQUIREMENTS: bool = false;

    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        let resource = notification
            .resource()
            .ok_or_else(|| Rejection::of_ours("the notification carries no resource"))?;
        read(resource)
    }
}

impl<T: DeserializeOwned + Send> FromNotification for Option<Resource<T>> {
    const RESOURCE: ResourceUse = ResourceUse::Optional;
    const EVENT: bool = false;
    const REQUIREMENTS: bool = false;

    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        notification.resource().map(read).transpose()
    }
}

fn read<T: DeserializeOwned>(resource: &str) -> Result<Resource<T>, Rejection> {
    serde_json::from_str(resource).map(Resource).map_err(|error| Rejection::json(resource, &error))
}
