//! Batches of SQS: each message is a notification, and what failed of a batch comes again.
//!
//! The event source mapping must have `ReportBatchItemFailures`, or SQS takes the whole batch for done:
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use futures_util::{FutureExt, StreamExt, stream};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};
use tracing::warn;

use super::told::{self, Told};
use crate::app::App;
use crate::deadline::Deadline;
use crate::declaration::{Declaration, Order};
use crate::delivery::Time;
use crate::fhir::is_id;
use crate::json::Text;

/// How many messages are handled side by side: those of a batch of the usual size.
const AT_ONCE: usize = 10;

/// A message, in the form of <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record<'a> {
    #[serde(borrow)]
    message_id: Text<'a>,
    #[serde(borrow)]
    body: Text<'a>,
    #[serde(borrow, default)]
    attributes: Attributes<'a>,
    #[serde(borrow, default)]
    message_attributes: told::Attributes<'a>,
    #[serde(borrow)]
    event_source: Text<'a>,
    #[serde(borrow, rename = "eventSourceARN")]
    event_source_arn: Text<'a>,
}

/// The attributes of a message of SQS.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes<'a> {
    /// Of a FIFO queue. A standard queue may have groups too, which say nothing of an order.
    #[serde(borrow)]
    message_group_id: Option<Text<'a>>,
    #[serde(borrow)]
    approximate_receive_count: Option<Text<'a>>,
}

/// The messages of a batch; `None` where these are records of another service.
pub(super) fn records(records: &RawValue) -> Option<Vec<Record<'_>>> {
    let records: Vec<Record<'_>> = serde_json::from_str(records.get()).ok()?;
    let is_sqs = !records.is_empty() && records.iter().all(|record| &*record.event_source == "aws:sqs");
    is_sqs.then_some(records)
}

/// Handles a batch. The answer names the messages that must come again.
pub(super) async fn handle(
    app: &App,
    records: &[Record<'_>],
    deadline: Deadline,
    request_id: &str,
) -> Box<RawValue> {
    let messages = records.iter().map(|record| Message::of(app, record));
    let batch =
        Batch { app, time: Time::until(deadline), waiting: AtomicUsize::new(records.len()), request_id };
    let lanes: Vec<_> = lanes(messages).into_iter().map(|lane| batch.handle(lane).boxed()).collect();
    let mut failed: Vec<usize> = stream::iter(lanes).buffer_unordered(AT_ONCE).concat().await;
    failed.sort_unstable();
    let failures = failed.iter().map(|place| json!({ "itemIdentifier": &*records[*place].message_id }));
    let failures: Vec<_> = failures.collect();
    let answer = to_raw_value(&json!({ "batchItemFailures": failures }));
    answer.expect("texts are JSON whatever they say")
}

/// A message, and whose it is.
struct Message<'r> {
    record: &'r Record<'r>,
    told: Told,
    routed: Result<&'static Declaration, &'static str>,
}

impl<'r> Message<'r> {
    fn of(app: &App, record: &'r Record<'r>) -> Self {
        let told = Told::of_queue(&record.message_attributes, record.queue(), &record.body);
        let routed = told.message().route(app);
        Self { record, told, routed }
    }
}

impl Record<'_> {
    fn is_fifo(&self) -> bool {
        self.event_source_arn.ends_with(".fifo")
    }

    /// The name of the queue, without the suffix that each FIFO queue has.
    fn queue(&self) -> &str {
        let name = self.event_source_arn.rsplit(':').next().unwrap_or_default();
        name.strip_suffix(".fifo").unwrap_or(name)
    }

    /// The group whose messages must be handled in their order.
    fn group(&self) -> Option<&str> {
        let group = self.attributes.message_group_id.as_deref().unwrap_or_default();
        self.is_fifo().then_some(group)
    }
}

/// Messages that are handled one after the other, each with its place in the batch.
struct Lane<'r> {
    messages: Vec<(usize, Message<'r>)>,
    /// Whether a message that failed must be handled before those behind it.
    is_group: bool,
}

/// The messages of a group keep their order. Those of a standard queue have none; but where a handler wants the latest
/// version only, two versions of one resource would be in each other's way.
fn lanes<'r>(messages: impl Iterator<Item = Message<'r>>) -> Vec<Lane<'r>> {
    let (mut lanes, mut places) = (Vec::<Lane<'r>>::new(), HashMap::new());
    for (place, message) in messages.enumerate() {
        let latest = message.routed.ok().filter(|declaration| declaration.order == Order::Latest);
        let lane = match (message.record.group(), latest) {
            (Some(group), _) => Some((true, group)),
            (None, Some(declaration)) => Some((false, declaration.endpoint)),
            (None, None) => None,
        };
        let is_group = lane.is_some_and(|(is_group, _)| is_group);
        let at = lane.map_or(lanes.len(), |lane| *places.entry(lane).or_insert(lanes.len()));
        if at == lanes.len() {
            lanes.push(Lane { messages: Vec::new(), is_group });
        }
        lanes[at].messages.push((place, message));
    }
    lanes
}

/// The common parts of a batch's messages.
struct Batch<'b> {
    app: &'b App,
    time: Time,
    /// How many messages are yet to begin.
    waiting: AtomicUsize,
    request_id: &'b str,
}

impl Batch<'_> {
    /// The places of the messages that must come again.
    async fn handle(&self, lane: Lane<'_>) -> Vec<usize> {
        let (mut failed, mut left) = (Vec::new(), lane.messages.into_iter());
        while let Some((place, message)) = left.next() {
            let waiting = self.waiting.fetch_sub(1, Ordering::Relaxed) - 1;
            // The messages behind it in its group wait for it to succeed, and take nothing of its time.
            let waiting = if lane.is_group { waiting - left.len() } else { waiting };
            if self.is_done(&message, waiting == 0).await {
                continue;
            }
            failed.push(place);
            if lane.is_group {
                self.waiting.fetch_sub(left.len(), Ordering::Relaxed);
                failed.extend(left.by_ref().map(|(place, _)| place));
            }
        }
        failed
    }

    /// Handles one message: whether nothing is left to do about it.
    async fn is_done(&self, message: &Message<'_>, is_last: bool) -> bool {
        let (app, started) = (self.app, Instant::now());
        let time = self.time.unless_waited_for(is_last);
        let answered = match message.routed {
            Ok(declaration) => message.told.notify(app, declaration, time).await,
            Err(reason) => app.unrouted(reason),
        };
        for record in answered.records() {
            record.write(app, started.elapsed(), Some(self.request_id));
        }
        if !answered.is_done {
            let Record { message_id, attributes, .. } = message.record;
            let message_id = Some(&**message_id).filter(|id| is_id(id));
            let received =
                attributes.approximate_receive_count.as_deref().and_then(|count| count.parse::<u32>().ok());
            warn!(
                message_id,
                received,
                request_id = self.request_id,
                "a message was not handled, and comes again"
            );
        }
        answered.is_done
    }
}

#[cfg(test)]
mod tests;
