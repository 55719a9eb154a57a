//! [`TestEvent`]: one event of a notification.

use std::sync::Arc;

use serde::Serialize;

use super::request::value;
use crate::interaction::Interaction;
use crate::sandbox::topic::bundle::{TopicEvent, name};

/// When everything happens, unless the test says otherwise.
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
    /// The resource is new.
    pub fn create(resource: &impl Serialize) -> Self {
        Self::of(Interaction::Create, resource)
    }

    /// The resource has a new version.
    pub fn update(resource: &impl Serialize) -> Self {
        Self::of(Interaction::Update, resource)
    }

    /// The resource, `Type/id`, is gone.
    pub fn delete(reference: &str) -> Self {
        Self::new(Interaction::Delete, reference.to_owned())
    }

    /// Something happened to the resource, and the server does not say what, as Helios never does.
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

    /// Has this number within its subscription; one more than the event before it unless set.
    pub fn number(mut self, number: u64) -> Self {
        self.event.number = number;
        self.has_number = true;
        self
    }

    /// Happened at this time, a FHIR `instant`; at noon of a day in January 2026 unless set.
    pub fn timestamp(mut self, instant: &str) -> Self {
        instant.clone_into(&mut self.event.timestamp);
        self
    }

    /// Names the resource in this version, `Encounter/1/_history/3`; in none unless set, and then the version is that in
    /// the `meta` of the resource, if it is carried and has one.
    pub fn version_id(mut self, version_id: &str) -> Self {
        let focus = self.event.focus.split("/_history/").next().unwrap_or_default();
        self.event.focus = format!("{focus}/_history/{version_id}");
        self
    }

    /// Is accompanied by a further resource, as a topic's `notificationShape` has it: a server sends the patient, too.
    pub fn context(mut self, resource: &impl Serialize) -> Self {
        self.event.context.push(Arc::new(value(resource)));
        self
    }

    pub(super) fn numbered_after(self, last: u64) -> TopicEvent {
        let number = if self.has_number { self.event.number } else { last + 1 };
        TopicEvent { number, ..self.event }
    }
}
