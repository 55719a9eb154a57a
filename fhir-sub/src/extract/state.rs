//! [`State`]: a value from `setup`.

use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::{FromNotification, Requirements};
use crate::error::Error;
use crate::notification::Notification;
use crate::rejection::Rejection;

/// A value of type `S` that `setup` provided with [`AppBuilder::state`](crate::AppBuilder::state).
///
/// The value is shared, not copied: `State` dereferences to `S`. If a handler takes a state that `setup` does not provide, the program does
/// not start.
///
/// ```
/// use fhir_sub::prelude::*;
///
/// struct Pharmacy { name: String }
///
/// async fn setup(app: AppBuilder) -> Result<AppBuilder> {
///     Ok(app.state(Pharmacy { name: "Main Street".into() }))
/// }
///
/// #[fhir_subscription(criteria = "MedicationRequest?status=active", endpoint = "prescriptions")]
/// async fn prescriptions(pharmacy: State<Pharmacy>) {
///     println!("a prescription for {}", pharmacy.name);
/// }
/// ```
pub struct State<S>(pub Arc<S>);

impl<S> Clone for State<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> Deref for State<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.0
    }
}

impl<S> fmt::Debug for State<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("State").finish_non_exhaustive()
    }
}

impl<S: Any + Send + Sync> FromNotification for State<S> {
    const EVENT: bool = false;

    fn require(requirements: &mut Requirements) {
        requirements.state::<S>();
    }

    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        // The program does not start without the state, so this happens only in a test.
        notification.state().map(State).ok_or_else(|| {
            Rejection::failed(Error::transient(format!(
                "no state of type {} was provided: give one to `AppBuilder::state` in `setup`",
                std::any::type_name::<S>()
            )))
        })
    }
}
