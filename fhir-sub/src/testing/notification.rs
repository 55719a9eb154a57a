//! [`TestNotification`]: the notification of a topic subscription, in any version and of any kind.

use serde_json::Value;

use super::FHIR_BASE_URL;
use super::event::TestEvent;
use crate::declaration::Content;
use crate::fhir::FhirVersion;
use crate::sandbox::topic::bundle::{NotificationType, TopicNotification};
use crate::sandbox::topic::writer::Writer;

/// The notification of a topic subscription, as a server sends it. [`TestRequest::notification`] makes a request of it.
///
/// By default, it is written for FHIR R4 and contains whole resources. Change its JSON for other habits of your server:
///
/// ```
/// use fhir_sub::testing::{Content, FhirVersion, TestEvent, TestNotification, TestRequest};
/// use serde_json::json;
///
/// let encounter = json!({ "resourceType": "Encounter", "id": "1", "status": "in-progress" });
///
/// // Two events in one notification of a server of R5, which names the resources only.
/// let two = [TestEvent::update(&encounter).number(7), TestEvent::delete("Encounter/2").number(8)];
/// let two = TestNotification::events(two).version(FhirVersion::R5).content(Content::IdOnly);
/// let request = TestRequest::notification("admissions", &two);
///
/// // The server makes sure that the program is there.
/// let handshake = TestRequest::notification("admissions", &TestNotification::handshake());
///
/// // A server whose Bundles are of another type.
/// let mut odd = TestNotification::events([TestEvent::create(&encounter)]).to_json();
/// odd["type"] = "transaction".into();
/// let odd = TestRequest::post("admissions")
///     .header("content-type", "application/fhir+json")
///     .body(odd.to_string());
/// # let _ = (request, handshake, odd);
/// ```
///
/// [`TestRequest::notification`]: super::TestRequest::notification
#[derive(Clone, Debug)]
#[must_use = "`TestRequest::notification` makes a request of it"]
pub struct TestNotification(TopicNotification);

impl TestNotification {
    /// A notification of events, in their order: `event-notification`.
    ///
    /// An event without a number gets the next number after the event before it; the first is 1.
    pub fn events(events: impl IntoIterator<Item = TestEvent>) -> Self {
        Self::new(NotificationType::EventNotification, "active", events)
    }

    /// The server's answer to `$events`, with past events: `query-event`.
    pub fn query_event(events: impl IntoIterator<Item = TestEvent>) -> Self {
        Self::new(NotificationType::QueryEvent, "active", events)
    }

    /// A handshake, by which the server tests whether the program answers before the subscription becomes active:
    /// `handshake`.
    pub fn handshake() -> Self {
        Self::new(NotificationType::Handshake, "requested", [])
    }

    /// A heartbeat, which the server sends if it has sent nothing else for a while: `heartbeat`.
    pub fn heartbeat() -> Self {
        Self::new(NotificationType::Heartbeat, "active", [])
    }

    /// The state of the subscription, as in the answer to `$status`: `query-status`.
    pub fn query_status() -> Self {
        Self::new(NotificationType::QueryStatus, "active", [])
    }

    fn new(kind: NotificationType, status: &str, events: impl IntoIterator<Item = TestEvent>) -> Self {
        let mut last = 0;
        let events: Vec<_> = events
            .into_iter()
            .map(|event| {
                let event = event.numbered_after(last);
                last = event.number;
                event
            })
            .collect();
        let count = events.iter().map(|event| event.number).max().unwrap_or_default();
        Self(TopicNotification {
            version: FhirVersion::R4,
            writer: Writer::Specification,
            base: FHIR_BASE_URL.to_owned(),
            at: super::event::INSTANT.to_owned(),
            kind,
            subscription: "Subscription/1".to_owned(),
            status: status.to_owned(),
            topic: Some("https://example.org/topics/a-topic".to_owned()),
            count,
            error: None,
            content: Content::FullResource,
            events,
        })
    }

    /// Writes it in the form of this FHIR version; the default is R4 by the Backport IG.
    pub fn version(mut self, version: FhirVersion) -> Self {
        self.0.version = version;
        self
    }

    /// Writes it as HAPI FHIR does, instead of as the specification's examples. References are relative. An event's
    /// time is only a day in R4, and is missing in R4B and R5. The entry of the status has no request, and the entry of
    /// a deletion has only the request.
    pub fn hapi(mut self) -> Self {
        self.0.writer = Writer::Hapi;
        self
    }

    /// Writes it as Helios does. References are relative, and except in R4, numbers are JSON numbers. An event names
    /// its focus even with [`Content::Empty`]. No interaction is named, so a deletion is an entry without a resource.
    pub fn helios(mut self) -> Self {
        self.0.writer = Writer::Helios;
        self
    }

    /// Writes it as Aidbox does, by its tutorials: numbers as JSON numbers in R5.
    pub fn aidbox(mut self) -> Self {
        self.0.writer = Writer::Aidbox;
        self
    }

    /// Writes it as fhir-candle's source does. In R4 the Subscription is a string, a handshake has an active Subscription, and no interaction is
    /// named.
    pub fn candle(mut self) -> Self {
        self.0.writer = Writer::Candle;
        if self.0.kind == NotificationType::Handshake {
            "active".clone_into(&mut self.0.status);
        }
        self
    }

    /// Sets how much of the resources it contains; the default is [`Content::FullResource`]. With [`Content::Empty`],
    /// it does not even name the resources.
    pub fn content(mut self, content: Content) -> Self {
        self.0.content = content;
        self
    }

    /// Sets the Subscription; the default is `Subscription/1`.
    pub fn subscription(mut self, reference: &str) -> Self {
        reference.clone_into(&mut self.0.subscription);
        self
    }

    /// Sets the canonical URL of the topic; the default is an arbitrary one.
    pub fn topic(mut self, url: &str) -> Self {
        self.0.topic = Some(url.to_owned());
        self
    }

    /// Sets the status of the Subscription; the default is `requested` in a handshake, and `active` otherwise.
    pub fn status(mut self, status: &str) -> Self {
        status.clone_into(&mut self.0.status);
        self
    }

    /// Sets the number of events since the subscription began; the default is the highest number of its own events.
    pub fn events_since_subscription_start(mut self, count: u64) -> Self {
        self.0.count = count;
        self
    }

    /// The Bundle.
    #[must_use]
    pub fn to_json(&self) -> Value {
        self.0.to_bundle()
    }
}
