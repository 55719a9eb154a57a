//! [`Event`]: what a notification says, apart from the resource itself.

use std::fmt;
use std::sync::Arc;

use crate::interaction::Interaction;
use crate::key::Key;

/// What a notification says of an event.
///
/// Each method answers `None` where the server does not say; nothing is guessed.
///
/// ```
/// use fhir_sub::prelude::*;
///
/// #[fhir_subscription(criteria = "Patient?", endpoint = "patients", on = [create, update, delete])]
/// async fn patients(event: Event) {
///     println!("{} of {}", event.interaction(), event.focus().unwrap_or("a patient"));
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    pub(crate) interaction: Interaction,
    pub(crate) focus: Option<String>,
    pub(crate) version_id: Option<String>,
    pub(crate) subscription: Option<String>,
    // One text for all events of a notification, which may have many.
    pub(crate) topic: Option<Arc<str>>,
    pub(crate) timestamp: Option<String>,
    pub(crate) number: Option<u64>,
    /// Known once the event is about to be handled.
    pub(crate) key: Option<Key>,
}

impl Event {
    /// An event of which nothing is known.
    pub(crate) const fn unknown() -> Self {
        Self {
            interaction: Interaction::Unknown,
            focus: None,
            version_id: None,
            subscription: None,
            topic: None,
            timestamp: None,
            number: None,
            key: None,
        }
    }

    /// What happened to the resource.
    #[must_use]
    pub fn interaction(&self) -> Interaction {
        self.interaction
    }

    /// The resource that the event is about, relative and without a version: `Encounter/1`.
    #[must_use]
    pub fn focus(&self) -> Option<&str> {
        self.focus.as_deref()
    }

    /// The version of the resource, as in `meta.versionId` or `If-Match`.
    #[must_use]
    pub fn version_id(&self) -> Option<&str> {
        self.version_id.as_deref()
    }

    /// The Subscription that the event belongs to: `Subscription/1`.
    #[must_use]
    pub fn subscription(&self) -> Option<&str> {
        self.subscription.as_deref()
    }

    /// The canonical URL of the topic that the event belongs to.
    #[must_use]
    pub fn topic(&self) -> Option<&str> {
        self.topic.as_deref()
    }

    /// When the event happened, as the server writes it: a FHIR `instant`, of which HAPI has the day only.
    #[must_use]
    pub fn timestamp(&self) -> Option<&str> {
        self.timestamp.as_deref()
    }

    /// The event's number within its subscription.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        self.number
    }

    /// What tells this event from all others, the same whenever and wherever it is handled: 64 hexadecimal digits, in
    /// which no patient is named. `None` where the server says nothing that tells it from the next of its kind: no resource,
    /// or a deletion without a version.
    ///
    /// An event is handled at least once. An effect that is made conditional on this key happens once:
    ///
    /// ```
    /// use fhir_sub::prelude::*;
    /// use serde_json::json;
    ///
    /// #[fhir_subscription(criteria = "Encounter?status=finished", endpoint = "finished-encounters")]
    /// async fn finished_encounters(event: Event, fhir: FhirClient) -> Result<()> {
    ///     let Some(key) = event.idempotency_key() else { return Ok(()) };
    ///     let task = json!({
    ///         "resourceType": "Task",
    ///         "status": "requested",
    ///         "intent": "order",
    ///         "identifier": [{ "system": "https://example.org/events", "value": key }],
    ///         "focus": { "reference": event.focus() },
    ///     });
    ///     let this_one = format!("https://example.org/events|{key}");
    ///     fhir.create("Task", &task).if_none_exist(&[("identifier", &this_one)]).await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// It is made of the endpoint, the resource and its version, with `FHIR_SUBSCRIPTION_STORE_KEY`: another key makes other
    /// ones of the same events.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<String> {
        self.key.map(|key| key.to_string())
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Event")
            .field("interaction", &self.interaction)
            .field("focus", &self.focus)
            .field("version_id", &self.version_id)
            .finish_non_exhaustive()
    }
}
