//! Batches of SQS: each message is a notification, and failed messages come again.
//!
//! The event source mapping must have `ReportBatchItemFailures`. Otherwise SQS counts the whole batch as
//! done: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use futures_util::{FutureExt, StreamExt, stream};
use lambda_http::Context;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};
use tracing::warn;

use super::unwrapped::Unwrapped;
use crate::app::{App, Parent, SpanKind};
use crate::deadline::Deadline;
use crate::declaration::{Declaration, Order};
use crate::delivery::Time;
use crate::fhir::is_id;
use crate::json::Text;
use crate::service::{Carried, within};
use crate::settings::QueueSettings;
use crate::sorted;

/// How many messages are handled at the same time: a batch of the usual size.
const AT_ONCE: usize = 10;

/// A message, as in <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>.
///
/// The parts that a sender chooses are read for each message alone, so an odd message fails alone.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record<'a> {
    #[serde(borrow)]
    message_id: Text<'a>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
    #[serde(borrow)]
    message_attributes: Option<&'a RawValue>,
    #[serde(borrow)]
    event_source: Text<'a>,
    #[serde(borrow, rename = "eventSourceARN")]
    event_source_arn: Text<'a>,
}

/// The attributes of an SQS message.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes<'a> {
    /// Set in a FIFO queue. A standard queue may have groups too, but they imply no order.
    #[serde(borrow)]
    message_group_id: Option<Text<'a>>,
    #[serde(borrow)]
    approximate_receive_count: Option<Text<'a>>,
    /// The trace of the sender, if the sender is traced by X-Ray.
    #[serde(borrow, rename = "AWSTraceHeader")]
    trace_header: Option<Text<'a>>,
}

/// The messages of a batch; `None` if the records come from another service.
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
    context: &Context,
) -> Box<RawValue> {
    let messages = records.iter().map(|record| Message::of(app, record));
    let lanes = lanes(messages);
    let waiting = AtomicUsize::new(lanes.len().saturating_sub(AT_ONCE));
    let batch = Batch { time: Time::until(deadline), waiting, context };
    let lanes = lanes.into_iter().enumerate();
    let lanes: Vec<_> = lanes.map(|(place, lane)| batch.handle(lane, place >= AT_ONCE).boxed()).collect();
    let mut failed: Vec<usize> = stream::iter(lanes).buffer_unordered(AT_ONCE).concat().await;
    sorted::by(&mut failed, usize::cmp);
    let failures = failed.iter().map(|place| json!({ "itemIdentifier": &*records[*place].message_id }));
    let failures: Vec<_> = failures.collect();
    let answer = to_raw_value(&json!({ "batchItemFailures": failures }));
    answer.expect("texts are JSON whatever they say")
}

/// A message and its subscription.
struct Message<'r> {
    record: &'r Record<'r>,
    attributes: Attributes<'r>,
    told: Unwrapped,
    /// The app, or the app of the message's tenant.
    app: &'r App,
    routed: Result<&'static Declaration, &'static str>,
}

impl<'r> Message<'r> {
    fn of(app: &'r App, record: &'r Record<'r>) -> Self {
        let attributes: Attributes<'_> = read(record.attributes);
        let body: Text<'_> = read(record.body);
        let is_own = |carried: &Carried<'_>| record.is_of_queue_mode(app, carried.tenant.as_deref());
        let mut told = Unwrapped::of_queue(&read(record.message_attributes), record.queue(), &body, is_own);
        told.trace.of_aws = attributes.trace_header.as_deref().map(str::to_owned);
        let routed = told.message().route(app);
        let app = routed.map_or(app, |(app, _)| app);
        let routed = routed.map(|(_, declaration)| declaration);
        Self { record, attributes, told, app, routed }
    }

    /// The lane of the message; `None` if no other message matters to it.
    fn lane(&self) -> Option<LaneKey<'r>> {
        if self.record.is_fifo() {
            let group = self.attributes.message_group_id.as_deref().unwrap_or_default();
            return Some(LaneKey::Group(group.to_owned()));
        }
        let declaration = self.routed.ok().filter(|declaration| declaration.order == Order::Latest)?;
        let (tenant, endpoint) = (self.app.tenant_name(), declaration.endpoint);
        Some(LaneKey::Latest { tenant, endpoint, resource: self.told.resource(declaration) })
    }
}

/// Reads a part of a record; the default value if the part has another form than SQS writes.
fn read<'r, T: Default + Deserialize<'r>>(part: Option<&'r RawValue>) -> T {
    part.and_then(|part| serde_json::from_str(part.get()).ok()).unwrap_or_default()
}

impl Record<'_> {
    fn is_fifo(&self) -> bool {
        self.event_source_arn.ends_with(".fifo")
    }

    /// The name of the queue, without the suffix of a FIFO queue.
    fn queue(&self) -> &str {
        let name = self.event_source_arn.rsplit(':').next().unwrap_or_default();
        name.strip_suffix(".fifo").unwrap_or(name)
    }

    /// Whether this queue may bring messages of queue mode for `tenant`. If the settings name a queue, no other
    /// queue may: a writer to another queue could choose the endpoint, the tenant and the method.
    fn is_of_queue_mode(&self, app: &App, tenant: Option<&str>) -> bool {
        let queues =
            || app.apps().filter_map(|app| Some((app.tenant_name(), app.settings().queue.as_ref()?)));
        let is_this = |queue: &QueueSettings| queue.has_arn(&self.event_source_arn);
        let is_own = queues().next().is_none() || queues().any(|(of, queue)| of == tenant && is_this(queue));
        if !is_own {
            warn!(
                queue = self.queue(),
                "a message of queue mode is not believed: FHIR_SUBSCRIPTION_QUEUE names another queue"
            );
        }
        is_own
    }
}

/// The common part of the messages of a lane.
#[derive(PartialEq, Eq, Hash)]
enum LaneKey<'r> {
    /// The group of a FIFO queue.
    Group(String),
    /// The resource, if the handler wants only the latest version. It is `None` for a notification that does not
    /// say its one resource; all of these notifications share a lane.
    Latest { tenant: Option<&'r str>, endpoint: &'static str, resource: Option<String> },
}

/// Messages that are handled one after the other, each with its place in the batch.
struct Lane<'r> {
    messages: Vec<(usize, Message<'r>)>,
    /// Whether a failed message must be handled before the messages after it.
    is_group: bool,
}

/// The messages of a group keep their order. Messages of a standard queue have no order. If a handler wants
/// only the latest version, the versions of one resource are handled one after the other, because they would
/// block each other.
fn lanes<'r>(messages: impl Iterator<Item = Message<'r>>) -> Vec<Lane<'r>> {
    let (mut lanes, mut places) = (Vec::<Lane<'r>>::new(), HashMap::new());
    for (place, message) in messages.enumerate() {
        let key = message.lane();
        let is_group = matches!(key, Some(LaneKey::Group(_)));
        let at = key.map_or(lanes.len(), |key| *places.entry(key).or_insert(lanes.len()));
        if at == lanes.len() {
            lanes.push(Lane { messages: Vec::new(), is_group });
        }
        lanes[at].messages.push((place, message));
    }
    lanes
}

/// The common state of a batch of messages.
struct Batch<'b> {
    time: Time,
    /// How many lanes have not begun. The first lanes all begin at the same time, so they never count.
    waiting: AtomicUsize,
    context: &'b Context,
}

impl Batch<'_> {
    /// Handles a lane, and returns the places of the messages that must come again. `has_waited` says whether
    /// the lane begins only now that another one has ended.
    async fn handle(&self, lane: Lane<'_>, has_waited: bool) -> Vec<usize> {
        if has_waited {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        let (mut failed, mut left) = (Vec::new(), lane.messages.into_iter());
        while let Some((place, message)) = left.next() {
            // The later messages of a group wait until this one succeeds, so they need none of its time.
            let behind = if lane.is_group { 0 } else { left.len() };
            let is_last = behind + self.waiting.load(Ordering::Relaxed) == 0;
            if self.is_done(&message, is_last).await {
                continue;
            }
            failed.push(place);
            if lane.is_group {
                failed.extend(left.by_ref().map(|(place, _)| place));
            }
        }
        failed
    }

    /// Handles one message. Returns whether nothing is left to do for it.
    async fn is_done(&self, message: &Message<'_>, is_last: bool) -> bool {
        let (app, started) = (message.app, Instant::now());
        let time = self.time.unless_waited_for(is_last);
        let answered = match message.routed {
            Ok(declaration) => {
                let invocation = self.context.xray_trace_id.as_deref();
                let trace = || Parent::Caller(message.told.trace(invocation));
                let span = app.span(SpanKind::Consumer, declaration.endpoint, trace);
                within(span, message.told.notify(app, declaration, time)).await
            }
            Err(reason) => app.unrouted(reason),
        };
        let request_id = &*self.context.request_id;
        answered.write(app, started.elapsed(), Some(request_id));
        if !answered.is_done {
            let message_id = Some(&*message.record.message_id).filter(|id| is_id(id));
            let received = message.attributes.approximate_receive_count.as_deref();
            let received = received.and_then(|count| count.parse::<u32>().ok());
            warn!(message_id, received, request_id, "a message was not handled, and comes again");
        }
        answered.is_done
    }
}

#[cfg(test)]
mod tests;
