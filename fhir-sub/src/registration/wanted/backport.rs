//! A topic's Subscription in R4 and R4B, by the guide that backports R5's topics:
//! <https://hl7.org/fhir/uv/subscriptions-backport/>.

use serde_json::{Value, json};

use super::topic_url;
use crate::declaration::Topic;
use crate::fhir::Subscription;
use crate::fhir::backport::{
    FILTER_CRITERIA, HEARTBEAT_PERIOD, MAX_COUNT, PAYLOAD_CONTENT, PROFILE, TIMEOUT,
};
use crate::server::{Ask, FilterText, Topics};
use crate::settings::Settings;

pub(super) fn write(
    resource: &mut Subscription,
    url: &str,
    topic: &Topic,
    topics: &Topics,
    ask: &Ask<'_>,
    settings: &Settings,
) {
    resource.set("meta", json!({ "profile": [PROFILE] }));
    resource.set("criteria", topic_url(topic, topics));
    // A server may read each filter as a search of its own, as in US Core's patient data feed. So a filter stays whole, unless
    // the server is known to need another form.
    let filters: Vec<String> = match topics.filter {
        FilterText::AsWritten => topic.filters.iter().map(|filter| (*filter).to_owned()).collect(),
        form => ask.filters().iter().map(|filter| filter.text(form)).collect(),
    };
    let filters: Vec<_> =
        filters.into_iter().map(|text| json!({ "url": FILTER_CRITERIA, "valueString": text })).collect();
    if !filters.is_empty() {
        resource.set("_criteria", json!({ "extension": filters }));
    }
    let content = json!({ "url": PAYLOAD_CONTENT, "valueCode": ask.content.code() });
    let channel = resource.channel_mut();
    channel.insert("type".into(), "rest-hook".into());
    channel.insert("endpoint".into(), url.into());
    // The notification has a MIME type even if it carries no resource.
    channel.insert("payload".into(), settings.payload.as_str().into());
    channel.insert("_payload".into(), json!({ "extension": [content] }));
    for extension in numbers(topic) {
        resource.add_channel_extension(extension);
    }
}

/// The extensions with numbers that the topic asks for.
fn numbers(topic: &Topic) -> impl Iterator<Item = Value> {
    let numbers = [
        (HEARTBEAT_PERIOD, "valueUnsignedInt", topic.heartbeat),
        (TIMEOUT, "valueUnsignedInt", topic.timeout),
        (MAX_COUNT, "valuePositiveInt", topic.max_count),
    ];
    numbers.into_iter().filter_map(|(url, element, number)| Some(json!({ "url": url, element: number? })))
}
