//! The notification of a topic subscription in each version of FHIR.
//!
//! | version | Bundle | status |
//! |---|---|---|
//! | R4, by the [Backport IG](https://hl7.org/fhir/uv/subscriptions-backport/notifications.html) | `history` | Parameters |
//! | R4B, by the same | `history` | SubscriptionStatus |
//! | [R5](https://hl7.org/fhir/R5/subscriptions.html) | `subscription-notification` | SubscriptionStatus |

use std::sync::Arc;

use serde_json::{Value, json};

use super::writer::Writer;
use crate::content::Content;
use crate::fhir::FhirVersion;
use crate::interaction::Interaction;

const BACKPORT: &str = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/";
const R5: &str = "http://hl7.org/fhir/StructureDefinition/";

/// The content of a notification, in any version.
#[derive(Clone, Debug)]
#[doc(hidden)]
pub struct TopicNotification {
    #[doc(hidden)]
    pub version: FhirVersion,
    #[doc(hidden)]
    pub writer: Writer,
    /// The server's own URL, without a final slash.
    #[doc(hidden)]
    pub base: String,
    /// The time of sending, an `instant`.
    #[doc(hidden)]
    pub at: String,
    #[doc(hidden)]
    pub kind: NotificationType,
    /// `Subscription/1`.
    #[doc(hidden)]
    pub subscription: String,
    /// The status of the Subscription.
    #[doc(hidden)]
    pub status: String,
    #[doc(hidden)]
    pub topic: Option<String>,
    /// `eventsSinceSubscriptionStart`.
    #[doc(hidden)]
    pub count: u64,
    /// The error of the Subscription, as a text.
    #[doc(hidden)]
    pub error: Option<String>,
    #[doc(hidden)]
    pub content: Content,
    #[doc(hidden)]
    pub events: Vec<TopicEvent>,
}

/// The codes of <https://hl7.org/fhir/R5/valueset-subscription-notification-type.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub enum NotificationType {
    Handshake,
    Heartbeat,
    EventNotification,
    QueryStatus,
    QueryEvent,
}

impl NotificationType {
    fn code(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Heartbeat => "heartbeat",
            Self::EventNotification => "event-notification",
            Self::QueryStatus => "query-status",
            Self::QueryEvent => "query-event",
        }
    }
}

/// One event of a notification.
#[derive(Clone, Debug)]
#[doc(hidden)]
pub struct TopicEvent {
    #[doc(hidden)]
    pub number: u64,
    /// An `instant`.
    #[doc(hidden)]
    pub timestamp: String,
    #[doc(hidden)]
    pub interaction: Interaction,
    /// `Encounter/1`, with or without a version.
    #[doc(hidden)]
    pub focus: String,
    /// The current resource; none for a deletion.
    #[doc(hidden)]
    pub resource: Option<Arc<Value>>,
    /// The additional resources.
    #[doc(hidden)]
    pub context: Vec<Arc<Value>>,
}

impl TopicNotification {
    /// The Bundle, its status first.
    #[doc(hidden)]
    pub fn to_bundle(&self) -> Value {
        let (kind, profile) = match self.version {
            FhirVersion::R4 => ("history", format!("{BACKPORT}backport-subscription-notification-r4")),
            FhirVersion::R4B => ("history", format!("{BACKPORT}backport-subscription-notification")),
            FhirVersion::R5 => ("subscription-notification", format!("{R5}subscription-notification-bundle")),
        };
        let id = uuid();
        let mut status = self.to_status();
        if self.writer != Writer::Helios {
            status["id"] = id.as_str().into();
        }
        let mut bundle = json!({ "resourceType": "Bundle", "id": uuid(), "type": kind });
        if self.writer == Writer::Specification {
            bundle["meta"] = json!({ "profile": [profile] });
        }
        if self.writer != Writer::Hapi {
            bundle["timestamp"] = self.at.as_str().into();
        }
        let full_url = if self.writer == Writer::Hapi { name(&status) } else { format!("urn:uuid:{id}") };
        let mut status = json!({ "fullUrl": full_url, "resource": status });
        if self.writer.says_responses() {
            status["request"] = json!({ "method": "GET", "url": format!("{}/$status", self.subscription) });
            status["response"] = json!({ "status": self.writer.response("200 OK") });
        }
        let mut entries = vec![status];
        if self.content != Content::Empty {
            entries.extend(self.events.iter().flat_map(|event| self.entries(event)));
        }
        bundle["entry"] = entries.into();
        bundle
    }

    /// The status alone, as in `$status`.
    #[doc(hidden)]
    pub fn to_status(&self) -> Value {
        match self.version {
            FhirVersion::R4 => self.parameters(),
            FhirVersion::R4B | FhirVersion::R5 => self.subscription_status(),
        }
    }

    /// R4's: <https://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition-backport-subscription-status-r4.html>.
    fn parameters(&self) -> Value {
        let reference = |name: &str, text: &str| json!({ "name": name, "valueReference": { "reference": self.reference(text) } });
        let subscription = if self.writer == Writer::Candle {
            json!({ "name": "subscription", "valueString": self.reference(&self.subscription) })
        } else {
            reference("subscription", &self.subscription)
        };
        let mut parameters = vec![subscription];
        parameters
            .extend(self.topic.as_ref().map(|topic| json!({ "name": "topic", "valueCanonical": topic })));
        parameters.push(json!({ "name": "status", "valueCode": self.status }));
        parameters.push(json!({ "name": "type", "valueCode": self.kind.code() }));
        parameters.push(
            json!({ "name": "events-since-subscription-start", "valueString": self.count.to_string() }),
        );
        parameters.extend(self.events.iter().map(|event| {
            let timestamp = if self.writer == Writer::Hapi {
                let day = event.timestamp.split('T').next().unwrap_or_default();
                json!({ "name": "timestamp", "valueDate": day })
            } else {
                json!({ "name": "timestamp", "valueInstant": event.timestamp })
            };
            let number = json!({ "name": "event-number", "valueString": event.number.to_string() });
            let mut part = vec![number, timestamp];
            if self.names_focuses() {
                part.push(reference("focus", &event.focus));
                part.extend(
                    event.context.iter().map(|resource| reference("additional-context", &name(resource))),
                );
            }
            json!({ "name": "notification-event", "part": part })
        }));
        parameters.extend(
            self.error
                .as_ref()
                .map(|error| json!({ "name": "error", "valueCodeableConcept": { "text": error } })),
        );
        let mut status = json!({ "resourceType": "Parameters", "parameter": parameters });
        if self.writer != Writer::Helios {
            status["meta"] = json!({ "profile": [format!("{BACKPORT}backport-subscription-status-r4")] });
        }
        status
    }

    /// <https://hl7.org/fhir/R5/subscriptionstatus.html>
    fn subscription_status(&self) -> Value {
        let reference = |text: &str| json!({ "reference": self.reference(text) });
        let mut status = json!({
            "resourceType": "SubscriptionStatus",
            "status": self.status,
            "type": self.kind.code(),
            "eventsSinceSubscriptionStart": self.writer.number(self.version, self.count),
            "subscription": reference(&self.subscription),
        });
        let events: Vec<_> = self
            .events
            .iter()
            .map(|event| {
                let mut said = json!({ "eventNumber": self.writer.number(self.version, event.number) });
                if self.writer != Writer::Hapi {
                    said["timestamp"] = event.timestamp.as_str().into();
                }
                if self.names_focuses() {
                    said["focus"] = reference(&event.focus);
                    let context: Vec<_> =
                        event.context.iter().map(|resource| reference(&name(resource))).collect();
                    if !context.is_empty() {
                        said["additionalContext"] = context.into();
                    }
                }
                said
            })
            .collect();
        // FHIR has no empty lists.
        if !events.is_empty() {
            status["notificationEvent"] = events.into();
        }
        if let Some(topic) = &self.topic {
            status["topic"] = topic.as_str().into();
        }
        if let Some(error) = &self.error {
            status["error"] = json!([{ "text": error }]);
        }
        status
    }

    /// The entry of the event's focus, then the entries of the additional resources.
    fn entries(&self, event: &TopicEvent) -> Vec<Value> {
        let named = event.focus.split("/_history/").next().unwrap_or_default();
        let resource_type = named.split('/').next().unwrap_or_default();
        let (method, url, response) = match self.writer.told(event.interaction) {
            Interaction::Create => ("POST", resource_type, "201 Created"),
            Interaction::Update => ("PUT", named, "200 OK"),
            Interaction::Delete => ("DELETE", named, "204 No Content"),
            Interaction::Unknown => ("GET", named, "200 OK"),
        };
        let carried =
            |resource: &Arc<Value>| (self.content == Content::FullResource).then(|| Value::clone(resource));
        let resource = event.resource.as_ref().and_then(carried);
        let mut focus = self.entry(named, (method, url, response), resource);
        if self.writer == Writer::Hapi {
            match (event.interaction, self.version_of(event)) {
                (Interaction::Delete, _) => drop(focus.as_object_mut().map(|entry| entry.remove("fullUrl"))),
                (_, Some(version_id)) => focus["fullUrl"] = format!("{named}/_history/{version_id}").into(),
                (_, None) => {}
            }
        }
        let context = event.context.iter().map(|resource| {
            let name = name(resource);
            self.entry(&name, ("GET", &name, "200 OK"), carried(resource))
        });
        std::iter::once(focus).chain(context).collect()
    }

    fn entry(
        &self,
        named: &str,
        (method, url, status): (&str, &str, &str),
        resource: Option<Value>,
    ) -> Value {
        let full_url = if self.writer == Writer::Hapi { named.to_owned() } else { self.on_server(named) };
        let mut entry = json!({ "fullUrl": full_url });
        if self.writer != Writer::Candle {
            entry["request"] = json!({ "method": method, "url": url });
        }
        if self.writer.says_responses() {
            entry["response"] = json!({ "status": self.writer.response(status) });
        }
        if let Some(resource) = resource {
            entry["resource"] = resource;
        }
        entry
    }

    /// The version in the URL of HAPI's entry. An event that only names its focus has one only for a
    /// creation.
    fn version_of<'e>(&self, event: &'e TopicEvent) -> Option<&'e str> {
        let is_written = self.content == Content::FullResource || event.interaction == Interaction::Create;
        event.resource.as_ref().filter(|_| is_written)?["meta"]["versionId"].as_str()
    }

    /// Whether the events name their focus.
    fn names_focuses(&self) -> bool {
        self.content != Content::Empty || self.writer == Writer::Helios
    }

    /// A reference in the server's form.
    fn reference(&self, reference: &str) -> String {
        if self.writer.has_relative_references() { reference.to_owned() } else { self.on_server(reference) }
    }

    fn on_server(&self, reference: &str) -> String {
        format!("{}/{reference}", self.base)
    }
}

/// `Type/id` of a resource.
#[doc(hidden)]
pub fn name(resource: &Value) -> String {
    let text = |member: &str| resource[member].as_str().unwrap_or_default();
    format!("{}/{}", text("resourceType"), text("id"))
}

/// A random UUID, of version 4.
fn uuid() -> String {
    let bits = fastrand::u128(..) & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let digits = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..])
}
