//! [`EventBuilder`]: an [`Event`] for a handler that a test calls as a function.

use std::sync::Arc;

use crate::event::Event;
use crate::fhir::Reference;
use crate::interaction::Interaction;
use crate::key::Keys;

/// Makes an [`Event`], for a test that calls a handler as a function.
///
/// ```
/// use fhir_sub::prelude::*;
/// use fhir_sub::testing::EventBuilder;
///
/// #[fhir_subscription(criteria = "Patient?", endpoint = "patients", on = [create, update, delete])]
/// async fn patients(event: Event) -> Result<()> {
///     match event.focus() {
///         Some(_) => Ok(()),
///         None => Err(Error::permanent("the notification names no patient")),
///     }
/// }
///
/// # fhir_sub::__private::block_on(async {
/// let deleted = EventBuilder::new(Interaction::Delete).reference("Patient/7").build();
/// assert!(patients(deleted).await.is_ok());
/// let unnamed = EventBuilder::new(Interaction::Unknown).build();
/// assert!(patients(unnamed).await.is_err());
/// # });
/// ```
#[derive(Clone, Debug)]
#[must_use = "`build` makes the event"]
pub struct EventBuilder(Event);

impl EventBuilder {
    /// An event with only an interaction.
    pub fn new(interaction: Interaction) -> Self {
        Self(Event { interaction, ..Event::unknown() })
    }

    /// Sets the reference: `Encounter/1`, `Encounter/1/_history/3`, the URL of a resource on another server, or `urn:uuid:…`. A relative reference
    /// is a resource of the app's own server, and becomes the focus.
    pub fn reference(mut self, reference: &str) -> Self {
        let named = Reference::parse(reference).filter(|_| Reference::base(reference).is_none());
        self.0.focus = named.map(|named| named.to_string());
        let version_id = Reference::parse(reference).and_then(|named| named.version_id).map(str::to_owned);
        self.0.version_id = version_id.or(self.0.version_id);
        self.0.written = Some(reference.to_owned()).filter(|written| Some(written) != self.0.focus.as_ref());
        self
    }

    /// Sets an identifier instead of a reference.
    pub fn identifier(mut self, system: &str, value: &str) -> Self {
        self.0.identifier = Some(format!("{system}|{value}"));
        self.0.is_described = true;
        self
    }

    /// Sets the version of the resource.
    pub fn version_id(mut self, version_id: &str) -> Self {
        self.0.version_id = Some(version_id.to_owned());
        self
    }

    /// Sets the Subscription: `Subscription/1`.
    pub fn subscription(mut self, reference: &str) -> Self {
        self.0.subscription = Some(reference.to_owned());
        self
    }

    /// Sets the canonical URL of the topic.
    pub fn topic(mut self, url: &str) -> Self {
        self.0.topic = Some(Arc::from(url));
        self
    }

    /// Sets the time, a FHIR `instant`.
    pub fn timestamp(mut self, instant: &str) -> Self {
        self.0.timestamp = Some(instant.to_owned());
        self
    }

    /// Sets the number within its subscription.
    pub fn number(mut self, number: u64) -> Self {
        self.0.number = Some(number);
        self
    }

    /// The event. Its [idempotency key](Event::idempotency_key) is `None` unless the event has a resource and a
    /// version, as in a handler.
    #[must_use]
    pub fn build(self) -> Event {
        let Self(mut event) = self;
        let named = event.name().zip(event.version_id());
        event.key = named.map(|(name, version)| {
            Keys::new(None, "https://fhir.example.org").key(&["test", &name, version])
        });
        event
    }
}
