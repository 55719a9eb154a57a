//! For tests: an app with handlers that end as the id of their resource says, and events in AWS's form.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use lambda_http::Context;
use serde_json::{Value, json};

use crate::app::AppBuilder;
use crate::declaration::{Declaration, Order, Topic, Trigger};
use crate::error::Error;
use crate::extract::{FromNotification, ResourceUse};
use crate::fixtures::{Handler, declaration, leak};
use crate::notification::Notification;
use crate::outcome::Outcome;
use crate::rejection::Rejection;
use crate::sandbox::Behaviour;
use crate::store::MemoryStore;
use crate::testing::TestApp;

/// The runs of handlers, in order: `e 7` at the beginning, `e 7.` at the end.
#[derive(Default)]
pub(crate) struct Log(Mutex<Vec<String>>);

struct Work {
    text: String,
    id: String,
    log: Arc<Log>,
}

impl FromNotification for Work {
    const RESOURCE: ResourceUse = ResourceUse::Required;

    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        let focus = notification.event().focus().unwrap_or("-/-");
        let id = focus.split_once('/').map_or("", |(_, id)| id).to_owned();
        let text = format!("{} {id}", notification.endpoint());
        Ok(Self { text, id, log: Arc::clone(&notification.state::<Arc<Log>>().unwrap()) })
    }
}

struct Act;

impl Handler<Work> for Act {
    async fn handle(Work { text, id, log }: Work) -> Outcome {
        log.0.lock().unwrap().push(text.clone());
        let time = match id.split('-').next() {
            Some("hangs") => Duration::from_secs(3600),
            Some("slow") => Duration::from_secs(20),
            Some("long") => Duration::from_secs(40),
            _ => Duration::from_millis(10),
        };
        tokio::time::sleep(time).await;
        log.0.lock().unwrap().push(format!("{text}."));
        match id.split('-').next() {
            Some("fails") => Error::transient("canary").into(),
            Some("never") => Error::permanent("canary").into(),
            _ => Outcome::Handled,
        }
    }
}

fn of_topic(url: &'static str, endpoint: &'static str) -> Declaration {
    let topic = Topic { url, filters: &[], heartbeat: None, timeout: None, max_count: None };
    Declaration { trigger: Trigger::Topic(topic), ..declaration::<Work, Act>("", endpoint) }
}

/// The app, and the runs of its handlers.
pub(crate) struct Queued {
    pub(crate) test: TestApp,
    log: Arc<Log>,
}

impl Queued {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// The same with further settings.
    pub(crate) fn with(setup: impl FnOnce(AppBuilder) -> AppBuilder) -> Self {
        let log = Arc::new(Log::default());
        let latest = Declaration { order: Order::Latest, ..declaration::<Work, Act>("Encounter?", "latest") };
        let ordered = of_topic("https://example.org/topics/ordered", "ordered");
        let declarations = leak([
            declaration::<Work, Act>("Encounter?", "e"),
            latest,
            Declaration { order: Order::Latest, ..ordered },
            of_topic("https://example.org/topics/admission|1.0", "admissions"),
            of_topic("https://example.org/topics/shared", "one"),
            of_topic("https://example.org/topics/shared", "other"),
        ]);
        let variables = crate::settings::Variables::of_lambda();
        let builder = TestApp::builder_of(variables, Behaviour::Generic, declarations)
            .state(Arc::clone(&log))
            .set("FHIR_SUBSCRIPTION_TRIES", "2")
            .store(MemoryStore::shared(Arc::new(SystemTime::now)));
        Self { test: TestApp::build(Behaviour::Generic, setup(builder)).unwrap(), log }
    }

    /// Sends an event, with a minute until the end of the invocation. Returns the answer or the error.
    pub(crate) async fn invoke(&self, event: &Value) -> Result<Value, String> {
        let mut context = Context::default();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        context.deadline = (now + Duration::from_secs(60)).as_millis() as u64;
        context.request_id = "request".into();
        let program = super::super::Program::from(self.test.app().clone());
        let reply = super::super::invoke(&program, event.to_string().as_bytes(), &context).await;
        reply.map(|reply| serde_json::to_value(&reply).unwrap()).map_err(|error| error.error_message)
    }

    /// The messages of a batch that must come again.
    pub(crate) async fn failed(&self, records: &[Value]) -> Vec<String> {
        let answer = self.invoke(&json!({ "Records": records })).await.unwrap();
        let failures = answer["batchItemFailures"].as_array().unwrap();
        assert_eq!(answer.as_object().unwrap().len(), 1, "{answer}");
        failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
    }

    /// The handlers' runs since the last call.
    pub(crate) fn done(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.0.lock().unwrap())
    }
}

/// A message of SQS, as in <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>. Its id is `m` and a
/// number.
pub(crate) fn message(number: usize, queue: &str, body: impl ToString) -> Value {
    let mut message = json!({
        "messageId": format!("m{number}"),
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...",
        "body": body.to_string(),
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1545082649183",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1545082649185",
        },
        "messageAttributes": {},
        "md5OfBody": "098f6bcd4621d373cade4e832627b4f6",
        "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:eu-west-2:123456789012:{queue}"),
        "awsRegion": "eu-west-2",
    });
    if queue.ends_with(".fifo") {
        message["attributes"]["SequenceNumber"] = "18849496460467696128".into();
        message["attributes"]["MessageDeduplicationId"] = "1".into();
        message["attributes"]["MessageGroupId"] = "1".into();
    }
    message
}

/// The message with an attribute `endpoint`.
pub(crate) fn with_endpoint(mut message: Value, endpoint: &str) -> Value {
    message["messageAttributes"]["endpoint"] = json!({
        "stringValue": endpoint,
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": "String",
    });
    message
}

/// The message in the group `group`.
pub(crate) fn in_group(mut message: Value, group: &str) -> Value {
    message["attributes"]["MessageGroupId"] = group.into();
    message
}

pub(crate) fn encounter(id: &str) -> Value {
    json!({ "resourceType": "Encounter", "id": id, "meta": { "versionId": "1" }, "status": "arrived" })
}

/// A topic's notification in R4, of one event with its Encounter.
pub(crate) fn notification(topic: &str, id: &str) -> Value {
    let part = |name: &str, kind: &str, value: Value| json!({ "name": name, kind: value });
    let event = [
        part("event-number", "valueString", "1".into()),
        part("focus", "valueReference", json!({ "reference": format!("Encounter/{id}") })),
    ];
    let status = json!({
        "resourceType": "Parameters",
        "parameter": [
            part("subscription", "valueReference", json!({ "reference": "https://fhir.example.org/r4/Subscription/s" })),
            part("topic", "valueCanonical", topic.into()),
            part("status", "valueCode", "active".into()),
            part("type", "valueCode", "event-notification".into()),
            part("events-since-subscription-start", "valueString", "1".into()),
            json!({ "name": "notification-event", "part": event }),
        ],
    });
    let entry = json!({ "fullUrl": format!("https://fhir.example.org/r4/Encounter/{id}"), "resource": encounter(id) });
    json!({ "resourceType": "Bundle", "type": "history", "entry": [{ "resource": status }, entry] })
}
