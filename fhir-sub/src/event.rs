//! [`Event`]: the content of a notification, apart from the resource.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::fhir::reference::canonical_base;
use crate::fhir::{Instant, Reference};
use crate::interaction::Interaction;
use crate::key::Key;

/// The facts of an event, as its notification states them.
///
/// A method returns `None` if the server does not say; nothing is guessed.
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
    /// `Encounter/1`, of the app's own server.
    pub(crate) focus: Option<String>,
    /// The reference as the notification has it, if that is not exactly the focus.
    pub(crate) written: Option<String>,
    /// `system|value`
    pub(crate) identifier: Option<String>,
    /// The type of the resource, if there is no focus.
    pub(crate) unnamed_type: Option<String>,
    /// Whether the event names its resource in words or by an identifier.
    pub(crate) is_described: bool,
    /// The id of the event's element in the notification. If each notification has one event, the id of the notification.
    pub(crate) id: Option<String>,
    pub(crate) version_id: Option<String>,
    pub(crate) subscription: Option<String>,
    // One text for all events of a notification, which may have many.
    pub(crate) topic: Option<Arc<str>>,
    pub(crate) timestamp: Option<String>,
    pub(crate) number: Option<u64>,
    /// Known once the event is about to be handled.
    pub(crate) key: Option<Key>,
    /// The time of the version, if no resource has it.
    pub(crate) updated: Option<Instant>,
    /// Whether a search found it, and no notification reported it.
    pub(crate) is_found: bool,
    /// When that search showed it.
    pub(crate) searched: Option<tokio::time::Instant>,
    /// The dead letter, if this is another try of one.
    pub(crate) retry: Option<Retry>,
}

/// A dead letter that is handled once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retry {
    pub(crate) letter: Key,
    /// The key of the event's record.
    pub(crate) record: Key,
    /// Whether the event has no identity of its own.
    pub(crate) is_passing: bool,
}

impl Event {
    /// An event without any facts.
    pub(crate) const fn unknown() -> Self {
        Self {
            interaction: Interaction::Unknown,
            focus: None,
            written: None,
            identifier: None,
            unnamed_type: None,
            is_described: false,
            id: None,
            version_id: None,
            subscription: None,
            topic: None,
            timestamp: None,
            number: None,
            key: None,
            updated: None,
            is_found: false,
            searched: None,
            retry: None,
        }
    }

    /// The interaction with the resource: create, update, delete or unknown.
    #[must_use]
    pub fn interaction(&self) -> Interaction {
        self.interaction
    }

    /// The resource of `FHIR_BASE_URL` that the event is about, relative and without a version: `Encounter/1`.
    ///
    /// `None` if the notification names no resource, names it in another way than by type and id, or names a resource of another
    /// server: see [`reference`](Self::reference).
    #[must_use]
    pub fn focus(&self) -> Option<&str> {
        self.focus.as_deref()
    }

    /// The reference of the event, as the notification has it: `Encounter/1`, `Encounter/1/_history/2`, the URL of a resource on another
    /// server, of an operation or of a search, `urn:uuid:…`, `#1`, or a canonical URL.
    ///
    /// To read the resource from the FHIR server, use [`focus`](Self::focus). A reference may name a patient: do not log it.
    #[must_use]
    pub fn reference(&self) -> Option<&str> {
        self.written.as_deref().or(self.focus())
    }

    /// The identifier of the event's subject, if the notification has nothing else, in the form of a search:
    /// `https://example.org/orders|7`. athenahealth sends identifiers for things without a FHIR resource.
    #[must_use]
    pub fn identifier(&self) -> Option<&str> {
        self.identifier.as_deref()
    }

    /// The version of the resource, as in `meta.versionId` or `If-Match`.
    #[must_use]
    pub fn version_id(&self) -> Option<&str> {
        self.version_id.as_deref()
    }

    /// The Subscription that the event belongs to: `Subscription/1`. It has a base URL if `setup` names that server as a source.
    #[must_use]
    pub fn subscription(&self) -> Option<&str> {
        self.subscription.as_deref()
    }

    /// The canonical URL of the topic that the event belongs to.
    #[must_use]
    pub fn topic(&self) -> Option<&str> {
        self.topic.as_deref()
    }

    /// The time of the event, as the server writes it: a FHIR `instant`. HAPI writes only the day.
    #[must_use]
    pub fn timestamp(&self) -> Option<&str> {
        self.timestamp.as_deref()
    }

    /// The event's number within its subscription.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        self.number
    }

    /// The identity of this event: 64 hexadecimal digits. It is the same in every instance, at every try, and whether a
    /// notification or a sweep reports the event. It names no patient. If a notification does not say the version of
    /// its resource, the program asks the server for it before the handler runs.
    ///
    /// `None` if the server says nothing that identifies the event: no resource, or a deletion whose version the server
    /// does not say.
    ///
    /// An event is handled at least once. If you make an effect conditional on this key, the effect happens once:
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
    /// The key is a digest of the FHIR server's base URL, the endpoint, the resource and its version, under
    /// `FHIR_SUBSCRIPTION_STORE_KEY`. Under another store key, the same events have other keys.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<String> {
        self.key.map(|key| key.to_string())
    }

    /// The resource of another server that the event is about.
    pub(crate) fn elsewhere(&self) -> Option<Reference<'_>> {
        self.elsewhere_base()?;
        Reference::parse(self.written.as_deref()?)
    }

    /// The base URL of that server.
    pub(crate) fn elsewhere_base(&self) -> Option<&str> {
        Reference::base(self.written.as_deref().filter(|_| self.focus.is_none())?)
    }

    /// Whether the event names no subject in any way.
    pub(crate) fn is_silent(&self) -> bool {
        self.focus.is_none() && self.written.is_none() && !self.is_described
    }

    /// The type of the resource that the event is about.
    pub(crate) fn resource_type(&self) -> Option<&str> {
        let named = || Some(self.focus()?.split_once('/')?.0);
        named().or(self.unnamed_type.as_deref())
    }

    /// The unique name of the resource: the [focus](Self::focus), or the text in its place. The name of a resource of another server
    /// contains the server's base URL, and no version.
    pub(crate) fn name(&self) -> Option<Cow<'_, str>> {
        if let Some(focus) = self.focus() {
            return Some(focus.into());
        }
        let base = self.elsewhere_base().and_then(canonical_base);
        if let (Some(elsewhere), Some(base)) = (self.elsewhere(), base) {
            return Some(format!("{base}/{elsewhere}").into());
        }
        self.written.as_deref().or(self.identifier()).map(Cow::from)
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
