//! [`Event`]: what a notification says, apart from the resource itself.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::fhir::reference::canonical_base;
use crate::fhir::{Instant, Reference};
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
    /// `Encounter/1`, of the app's own server.
    pub(crate) focus: Option<String>,
    /// What the notification has written, where it is not the focus as it stands.
    pub(crate) written: Option<String>,
    /// `system|value`
    pub(crate) identifier: Option<String>,
    /// The type of the resource, where there is no focus to tell it.
    pub(crate) unnamed_type: Option<String>,
    /// Whether the event says in words or by an identifier what it is about.
    pub(crate) is_described: bool,
    /// The id of the element that tells of the event.
    pub(crate) id: Option<String>,
    pub(crate) version_id: Option<String>,
    pub(crate) subscription: Option<String>,
    // One text for all events of a notification, which may have many.
    pub(crate) topic: Option<Arc<str>>,
    pub(crate) timestamp: Option<String>,
    pub(crate) number: Option<u64>,
    /// Known once the event is about to be handled.
    pub(crate) key: Option<Key>,
    /// When the version was written, where no resource says so.
    pub(crate) updated: Option<Instant>,
    /// Whether a search found it, and nothing told of it.
    pub(crate) is_found: bool,
    /// The dead letter of which it is another try.
    pub(crate) retry: Option<Retry>,
}

/// A dead letter that is handled once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retry {
    pub(crate) letter: Key,
    /// The key of the event's record.
    pub(crate) record: Key,
    /// Whether nothing tells the event from the next of its kind.
    pub(crate) is_passing: bool,
}

impl Event {
    /// An event of which nothing is known.
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
            retry: None,
        }
    }

    /// What happened to the resource.
    #[must_use]
    pub fn interaction(&self) -> Interaction {
        self.interaction
    }

    /// The resource that the event is about, relative and without a version: `Encounter/1`. It is a resource of
    /// `FHIR_BASE_URL`.
    ///
    /// `None` where the notification names none; where it names one in another way than by type and id, or one of another
    /// server: see [`reference`](Self::reference).
    #[must_use]
    pub fn focus(&self) -> Option<&str> {
        self.focus.as_deref()
    }

    /// What the event is about, as the notification has written it: `Encounter/1`, `Encounter/1/_history/2`, the URL of a
    /// resource on another server, of an operation or of a search, `urn:uuid:…`, `#1`, or a canonical URL.
    ///
    /// Of these, [`focus`](Self::focus) is what can be read from the FHIR server under a type and an id. It may name a
    /// patient: do not log it.
    #[must_use]
    pub fn reference(&self) -> Option<&str> {
        self.written.as_deref().or(self.focus())
    }

    /// The identifier of what the event is about, where the notification has no more of it, as a search for it has it:
    /// `https://example.org/orders|7`. athenahealth tells so of what it has no FHIR resource of.
    #[must_use]
    pub fn identifier(&self) -> Option<&str> {
        self.identifier.as_deref()
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
    /// It is made of the FHIR server's base URL, the endpoint, the resource and its version, with `FHIR_SUBSCRIPTION_STORE_KEY`: another key makes other
    /// ones of the same events.
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

    /// Whether the event says nothing at all of what it is about.
    pub(crate) fn is_silent(&self) -> bool {
        self.focus.is_none() && self.written.is_none() && !self.is_described
    }

    /// The type of the resource that the event is about.
    pub(crate) fn resource_type(&self) -> Option<&str> {
        let named = || Some(self.focus()?.split_once('/')?.0);
        named().or(self.unnamed_type.as_deref())
    }

    /// What the resource is told from all others by: the [focus](Self::focus), or what is written in its place. A resource
    /// of another server is known by where it is, in whatever version it is named.
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
