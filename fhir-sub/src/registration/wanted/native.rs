//! A topic's Subscription in R5: <https://hl7.org/fhir/R5/subscription.html>.

use serde_json::{Value, json};

use super::topic_url;
use crate::declaration::Topic;
use crate::fhir::Subscription;
use crate::server::{Ask, Topics};
use crate::settings::Settings;

const CHANNEL_TYPE: &str = "http://terminology.hl7.org/CodeSystem/subscription-channel-type";

/// Fails if a filter says something that has no element in R5.
pub(super) fn write(
    resource: &mut Subscription,
    url: &str,
    topic: &Topic,
    topics: &Topics,
    ask: &Ask<'_>,
    settings: &Settings,
) -> Result<(), String> {
    resource.set("topic", topic_url(topic, topics));
    let filters = ask
        .filters()
        .iter()
        .map(|filter| filter.element(topics.filter))
        .collect::<Result<Vec<Value>, String>>()?;
    if !filters.is_empty() {
        resource.set("filterBy", filters);
    }
    resource.set("channelType", json!({ "system": CHANNEL_TYPE, "code": "rest-hook" }));
    resource.set("endpoint", url);
    let numbers =
        [("heartbeatPeriod", topic.heartbeat), ("timeout", topic.timeout), ("maxCount", topic.max_count)];
    for (element, number) in numbers {
        if let Some(number) = number {
            resource.set(element, number);
        }
    }
    resource.set("contentType", settings.payload.as_str());
    resource.set("content", ask.content.code());
    Ok(())
}
