//! SNS within SQS: if a queue is subscribed to an SNS topic, SNS puts each message into an envelope, unless
//! the subscription has raw delivery: <https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html>.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::unwrapped::{Attributes, Unwrapped};
use crate::json::Text;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope<'a> {
    #[serde(borrow, rename = "Type")]
    kind: Text<'a>,
    #[serde(rename = "TopicArn")]
    _topic_arn: IgnoredAny,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow, default)]
    message_attributes: Attributes<'a>,
    /// Every notification has this member, but no envelope has it.
    #[serde(rename = "resourceType")]
    resource_type: Option<IgnoredAny>,
}

/// The content of an SNS envelope; `None` if the body is not an envelope.
pub(super) fn unwrap(body: &str) -> Option<Unwrapped> {
    let envelope: Envelope<'_> = serde_json::from_str(body).ok()?;
    if &*envelope.kind != "Notification" || envelope.resource_type.is_some() {
        return None;
    }
    let attributes = envelope.message_attributes;
    let (tenant, endpoint, trace) = (attributes.tenant(), attributes.endpoint(), attributes.trace());
    let body = envelope.message.to_string();
    Some(Unwrapped { tenant, endpoint, came_by: Vec::new(), body, reference: None, trace, is_own: false })
}
