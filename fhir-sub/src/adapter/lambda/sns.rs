//! SNS within SQS: a topic of SNS that a queue is subscribed to puts each message into an envelope, unless the
//! subscription has raw delivery: <https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html>.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::told::{Attributes, Told};
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
    /// No envelope has it, and every notification does.
    #[serde(rename = "resourceType")]
    resource_type: Option<IgnoredAny>,
}

/// What is in an envelope of SNS; `None` where the body is none.
pub(super) fn unwrap(body: &str) -> Option<Told> {
    let envelope: Envelope<'_> = serde_json::from_str(body).ok()?;
    if &*envelope.kind != "Notification" || envelope.resource_type.is_some() {
        return None;
    }
    let endpoint = envelope.message_attributes.endpoint();
    Some(Told { endpoint, came_by: Vec::new(), body: envelope.message.to_string() })
}
