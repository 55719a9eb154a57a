//! A topic's Subscription in R4 and R4B, by the implementation guide that brings R5's back to them:
//! <https://hl7.org/fhir/uv/subscriptions-backport/>.

use serde_json::{Value, json};

use super::{filters, topic_url};
use crate::declaration::{Declaration, Topic};
use crate::fhir::{FhirVersion, Subscription};
use crate::settings::{FhirServer, Settings};

/// The profile by which HAPI tells a topic's Subscription from a criteria's.
pub(in crate::registration) const PROFILE: &str =
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription";

/// On `criteria`.
pub(super) const FILTER_CRITERIA: &str =
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-filter-criteria";
/// On `channel.payload`.
pub(super) const PAYLOAD_CONTENT: &str =
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content";
/// On `channel`, as the two that follow.
pub(super) const HEARTBEAT_PERIOD: &str =
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-heartbeat-period";
pub(super) const TIMEOUT: &str =
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-timeout";
pub(super) const MAX_COUNT: &str =
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-max-count";

pub(super) fn write(
    resource: &mut Subscription,
    url: &str,
    topic: &Topic,
    declaration: &Declaration,
    settings: &Settings,
) {
    let server = settings.fhir_server;
    resource.set("meta", json!({ "profile": [PROFILE] }));
    resource.set("criteria", topic_url(topic, server));
    let filters: Vec<_> = filters(topic).map(|filter| filter_criteria(&filter.text(server))).collect();
    if !filters.is_empty() {
        resource.set("_criteria", json!({ "extension": filters }));
    }
    let content = json!({ "url": PAYLOAD_CONTENT, "valueCode": declaration.content.code() });
    let channel = resource.channel_mut();
    channel.insert("type".into(), "rest-hook".into());
    channel.insert("endpoint".into(), url.into());
    // The notification itself has a MIME type, also where it carries no resource.
    channel.insert("payload".into(), settings.payload.as_str().into());
    channel.insert("_payload".into(), json!({ "extension": [content] }));
    for extension in numbers(topic, "valuePositiveInt") {
        resource.add_channel_extension(extension);
    }
    if server == FhirServer::Helios && settings.fhir_version == FhirVersion::R4 {
        // Helios reads these from the root of the resource, and `max-count` as another type.
        for extension in filters.into_iter().chain(numbers(topic, "valueUnsignedInt")) {
            resource.add_extension(extension);
        }
    }
}

fn filter_criteria(text: &str) -> Value {
    json!({ "url": FILTER_CRITERIA, "valueString": text })
}

/// The extensions that have a number, of those that the topic asks for.
fn numbers(topic: &Topic, type_of_count: &str) -> Vec<Value> {
    let numbers = [
        (HEARTBEAT_PERIOD, "valueUnsignedInt", topic.heartbeat),
        (TIMEOUT, "valueUnsignedInt", topic.timeout),
        (MAX_COUNT, type_of_count, topic.max_count),
    ];
    numbers
        .into_iter()
        .filter_map(|(url, element, number)| Some(json!({ "url": url, element: number? })))
        .collect()
}
