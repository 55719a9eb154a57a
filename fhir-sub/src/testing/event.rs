//! [`TestEvent`]: one event of a notification.

use std::sync::Arc;

use serde::Serialize;

use super::request::value;
use crate::interaction::Interaction;
use crate::sandbox::topic::bundle::{TopicEvent, name};

/// The time of every event, unless the test sets one.
pub(super) const INSTANT: &str = "2026-01-31T12:00:00Z";

/// One event of a [`TestNotification`](super::TestNotification).
///
/// ```
/// use fhir_sub::testing::TestEvent;
///
/// let patient = serde_json::json!({ "resourceType": "Patient", "id": "9" });
/// let encounter = serde_json::json!({
///     "resourceType": "Encounter", "id": "1", "subject": { "reference": "Patient/9" },
/// });
/// let event = TestEvent::create(&encounter).number(7).timestamp("2026-03-10T08:30:00Z").context(&patient);
/// # let _ = event;
/// ```
#[derive(Clone, Debug)]
#[must_use = "it is part of a `TestNotification`"]
pub struct TestEvent {
    event: TopicEvent,
    has_number: bool,
}

impl TestEvent {
    /// A creation of the resource.
    pub fn create(resource: &impl Serialize) -> Self {
        Self::of(Interaction::Create, resource)
    }

    /// An update of the resource.
    pub fn update(resource: &impl Serialize) -> Self {
        Self::of(Interaction::Update, resource)
    }

    /// A deletion of the resource, `Type/id`.
    pub fn delete(reference: &str) -> Self {
        Self::new(Interaction::Delete, reference.to_owned())
    }

    /// A change of the resource whose interaction the notification does not name, as in Helios's notifications.
    pub fn unknown(resource: &impl Serialize) -> Self {
        Self::of(Interaction::Unknown, resource)
    }

    fn of(interaction: Interaction, resource: &impl Serialize) -> Self {
        let resource = value(resource);
        let event = Self::new(interaction, name(&resource));
        Self { event: TopicEvent { resource: Some(Arc::new(resource)), ..event.event }, ..event }
    }

    fn new(interaction: Interaction, focus: String) -> Self {
        let (timestamp, context) = (INSTANT.to_owned(), Vec::new());
        let event = TopicEvent { number: 0, timestamp, interaction, focus, resource: None, context };
        Self { event, has_number: false }
    }

    /// Sets the event's number within its subscription; the default is the next number after the event before it.
    pub fn number(mut self, number: u64) -> Self {
        self.event.number = number;
        self.has_number = true;
        self
    }

    /// Sets the event's time, a FHIR `instant`; the default is `2026-01-31T12:00:00Z`.
    pub fn timestamp(mut self, instant: &str) -> Self {
        instant.clone_into(&mut self.event.timestamp);
        self
    }

    /// Names the resource in this version, `Encounter/1/_history/3`. By default the reference has no version, and only the `meta` of a carried
    /// resource may have one.
    pub fn version_id(mut self, version_id: &str) -> Self {
        let focus = self.event.focus.split("/_history/").next().unwrap_or_default();
        self.event.focus = format!("{focus}/_history/{version_id}");
        self
    }

    /// Adds another resource, such as the patient that a topic's `notificationShape` includes.
    pub fn context(mut self, resource: &impl Serialize) -> Self {
        self.event.context.push(Arc::new(value(resource)));
        self
    }

    pub(super) fn numbered_after(self, last: u64) -> TopicEvent {
        let number = if self.has_number { self.event.number } else { last + 1 };
        TopicEvent { number, ..self.event }
    }
}
