//! [`Resource`]: the resource that a notification is about.

use std::fmt;
use std::ops::{Deref, DerefMut};

use serde::de::DeserializeOwned;

use super::{FromNotification, ResourceUse};
use crate::notification::Notification;
use crate::rejection::Rejection;

/// The resource that the notification is about, read into `T`.
///
/// `T` is any type that serde reads: a struct of your own with the elements you use, a
/// `serde_json::Value`, or a type of a FHIR crate. A resource that does not fit `T` is answered `422`,
/// and the handler does not run. A `T` that says [which resource](trait@crate::FhirResource) it is read from is compared
/// with the criteria, or with the filters of the topic, when the program is compiled. A topic may fire for other types all
/// the same: what is of none that the handler's arguments say is acknowledged, and the handler does not run.
///
/// If the notification of a topic only names the resource, the program reads it from `FHIR_BASE_URL` first: the version that
/// is named, if the server still has that version, else the current one. It reads a resource of another FHIR server from
/// that server if [`setup` names it](crate::AppBuilder::source), and otherwise refuses the event. Several are read in
/// one request where possible. If the server cannot be read, the notification is answered `503`, to be sent again. If the
/// resource is there no more, the event is acknowledged, told of in the log and in `status`, and the handler does not run; `Option<Resource<T>>` is `None`.
///
/// With `trust = "reference"` it is always read, whatever the notification carries.
///
/// Where a notification names nothing (`content = "empty"`), the resource is
/// [looked up](macro@crate::fhir_subscription#empty-notifications).
///
/// A deletion carries no resource: take `Option<Resource<T>>` where `on` has `delete`.
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
        // A resource in a log line is a patient in a log line: whoever wants that prints the inside.
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
    serde_json::from_str(resource).map(Resource).map_err(|error| Rejection::json(&error))
}
