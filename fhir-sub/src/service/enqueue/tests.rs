mod references;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::app::AppBuilder;
use crate::client::transport::{Limits, Transport, TransportError, TransportErrorKind};
use crate::deadline::Deadline;
use crate::declaration::{Content, Declaration, Order};
use crate::delivery::{Record, Time};
use crate::fixtures::scripted::{OPTIONAL, REQUIRED, Scripted, criteria, notification, topic};
use crate::interaction::Interactions;
use crate::metrics::Measure;
use crate::request::Head;
use crate::service::{Answered, Carried, Route};

const QUEUE: &str = "https://sqs.eu-west-2.amazonaws.com/123456789012/notifications";

/// A queue that keeps its messages, and can be told to refuse.
#[derive(Default)]
struct Sqs {
    messages: Mutex<Vec<Value>>,
    /// The answers to the next requests, instead of success.
    refusals: Mutex<Vec<(u16, &'static str)>>,
    /// The most characters of a body.
    limit: Option<usize>,
    /// How long each answer takes.
    takes: Duration,
}

impl Transport for Sqs {
    fn send<'a>(
        &'a self,
        request: http::Request<Bytes>,
        _limits: Limits,
    ) -> BoxFuture<'a, Result<http::Response<Bytes>, TransportError>> {
        let signed = request.headers().get("authorization").unwrap().to_str().unwrap().to_owned();
        assert!(signed.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{signed}");
        assert!(signed.contains("/eu-west-2/sqs/aws4_request"), "{signed}");
        assert_eq!(request.uri(), "https://sqs.eu-west-2.amazonaws.com/");
        assert_eq!(request.headers()["x-amz-target"], "AmazonSQS.SendMessage");
        let message: Value = serde_json::from_slice(request.body()).unwrap();
        let refusal = self.refusals.lock().unwrap().pop();
        let length = message["MessageBody"].as_str().unwrap().len();
        let answer = match refusal {
            Some((0, _)) => return Box::pin(async { Err(TransportError::new(TransportErrorKind::Broken)) }),
            Some((status, kind)) => (status, json!({ "__type": kind }).to_string()),
            None if self.limit.is_some_and(|limit| length > limit) => {
                let message =
                    "One or more parameters are invalid. Reason: Message must be shorter than 2048 bytes.";
                let kind = "com.amazonaws.sqs#InvalidParameterValue";
                (400, json!({ "__type": kind, "message": message }).to_string())
            }
            None => {
                self.messages.lock().unwrap().push(message);
                (200, json!({ "MessageId": "m" }).to_string())
            }
        };
        let answer = http::Response::builder().status(answer.0).body(answer.1.into()).unwrap();
        let takes = self.takes;
        Box::pin(async move {
            if !takes.is_zero() {
                tokio::time::sleep(takes).await;
            }
            Ok(answer)
        })
    }
}

struct Front {
    scripted: Scripted,
    sqs: Arc<Sqs>,
}

impl Front {
    fn new(declaration: Declaration) -> Self {
        Self::with(declaration, Sqs::default(), |builder| builder.set("FHIR_SUBSCRIPTION_QUEUE", QUEUE))
    }

    fn with(declaration: Declaration, sqs: Sqs, setup: impl FnOnce(AppBuilder) -> AppBuilder) -> Self {
        let sqs = Arc::new(sqs);
        let transport = Arc::clone(&sqs);
        let setup = |builder: AppBuilder| setup(builder.queue_transport(transport));
        let answer = |asked: &str| match asked.split(' ').nth(1) {
            Some("Encounter/1") => {
                (200, json!({ "resourceType": "Encounter", "id": "1", "meta": { "versionId": "2" } }))
            }
            Some("Encounter/9") => (410, Value::Null),
            _ => (404, Value::Null),
        };
        Self { scripted: Scripted::with(declaration, |_, _| false, setup, answer), sqs }
    }

    /// Sends a request, and returns the answer and the messages on the queue.
    async fn sent(
        &self,
        method: Method,
        reference: Option<&str>,
        body: &str,
    ) -> (u16, &'static str, Vec<Value>) {
        let answered = self.answered(method, reference, body).await;
        let messages = std::mem::take(&mut *self.sqs.messages.lock().unwrap());
        (answered.answer.status.as_u16(), answered.record.outcome(), messages)
    }

    async fn answered(&self, method: Method, reference: Option<&str>, body: &str) -> Answered {
        self.answered_with(method, reference, &[], body).await
    }

    /// The same for a request with these headers, too.
    async fn answered_with(
        &self,
        method: Method,
        reference: Option<&str>,
        more: &[(&'static str, &'static str)],
        body: &str,
    ) -> Answered {
        let app = &self.scripted.app;
        let mut headers = HeaderMap::new();
        headers.insert("x-subscription-auth", "canary-secret".parse().unwrap());
        headers.insert("authorization", "Bearer canary-token".parse().unwrap());
        headers.insert("content-type", "application/fhir+json".parse().unwrap());
        for &(name, value) in more {
            headers.insert(name, value.parse().unwrap());
        }
        let path = reference.map_or("/prod/e".to_owned(), |reference| format!("/prod/e/{reference}"));
        let head = Head { method: &method, path: &path, query: Some("canary=query"), headers: &headers };
        let declaration = app.registry().find("e").unwrap();
        let owes = crate::service::Owed::Nothing;
        let route = Route::Endpoint { declaration, reference: reference.map(str::to_owned), owes };
        app.answer(&head, route, body.as_bytes(), app.deadline(None)).await
    }

    /// Handles a message like the SQS entrance.
    async fn handle(&self, message: &Value) -> (bool, Vec<String>) {
        let carried = Carried::read(message["MessageBody"].as_str().unwrap()).unwrap();
        assert_eq!(carried.endpoint, "e");
        let app = &self.scripted.app;
        let declaration = app.registry().find("e").unwrap();
        let body = carried.notification.map_or("", |notification| notification.get());
        let time = Time::until(Deadline::after(Duration::from_secs(30)));
        let answered = app.notified_of(declaration, body, Some(&carried), time).await;
        (answered.is_done, self.scripted.ran())
    }
}

fn encounter() -> String {
    json!({ "resourceType": "Encounter", "id": "1", "meta": { "versionId": "2" }, "note": "canary of a patient" }).to_string()
}

fn watching() -> Declaration {
    Declaration { content: Content::FullResource, ..criteria::<REQUIRED>("Encounter?") }
}

#[tokio::test(start_paused = true)]
async fn a_notification_is_answered_once_the_queue_has_it_and_handled_from_there() {
    let front = Front::new(watching());
    let (status, outcome, messages) = front.sent(Method::POST, None, &encounter()).await;
    assert_eq!((status, outcome, messages.len()), (204, "queued", 1));
    assert!(front.scripted.ran().is_empty() && front.scripted.asked().is_empty());
    let message = &messages[0];
    assert_eq!(message["QueueUrl"], QUEUE);
    let text = message.to_string();
    for secret in ["canary-secret", "canary-token", "canary=query"] {
        assert!(!text.contains(secret), "{text}");
    }
    assert!(text.contains("canary of a patient"), "{text}");
    assert_eq!(front.handle(message).await, (true, vec!["Encounter/1@2 {…}".to_owned()]));
    // SQS may deliver a message twice.
    assert_eq!(front.handle(message).await, (true, vec![]));
}

#[tokio::test(start_paused = true)]
async fn what_names_a_resource_in_its_path_does_so_from_the_queue_too() {
    let front = Front::new(watching());
    let (status, _, messages) = front.sent(Method::PUT, Some("Encounter/1"), "").await;
    assert_eq!((status, messages.len()), (204, 1));
    assert_eq!(front.handle(&messages[0]).await, (true, vec!["Encounter/1@2 {…}".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_resource_is_in_a_message_of_references() {
    for (sqs, content) in
        [(Sqs::default(), "reference"), (Sqs { limit: Some(1000), ..Sqs::default() }, "notification")]
    {
        let front = Front::with(watching(), sqs, |builder| {
            builder.set("FHIR_SUBSCRIPTION_QUEUE", QUEUE).set("FHIR_SUBSCRIPTION_QUEUE_CONTENT", content)
        });
        let long = encounter().replace("canary", &"canary ".repeat(200));
        let (status, outcome, messages) = front.sent(Method::POST, None, &long).await;
        assert_eq!((status, outcome, messages.len()), (204, "queued", 1));
        assert!(!messages[0].to_string().contains("canary"), "{messages:?}");
        assert_eq!(front.handle(&messages[0]).await, (true, vec!["Encounter/1@2 {…}".to_owned()]));
        // The version of the notification, else the current one.
        assert_eq!(front.scripted.asked(), ["GET Encounter/1/_history/2", "GET Encounter/1"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_travels_as_it_came_and_without_a_body() {
    let interactions = Interactions { delete: true, ..Interactions::DEFAULT };
    let declaration = Declaration { interactions, ..criteria::<OPTIONAL>("Encounter?") };
    let front = Front::with(declaration, Sqs::default(), |builder| {
        builder.set("FHIR_SUBSCRIPTION_QUEUE", QUEUE).set("FHIR_SUBSCRIPTION_QUEUE_CONTENT", "reference")
    });
    let (status, _, messages) = front.sent(Method::DELETE, Some("Encounter/9"), &encounter()).await;
    assert_eq!((status, messages.len()), (204, 1));
    let text = messages[0].to_string();
    assert!(!text.contains("canary") && text.contains("DELETE"), "{text}");
    assert_eq!(front.handle(&messages[0]).await, (true, vec!["Encounter/9".to_owned()]));
}

/// It names the resource in a header only, and sends no interaction.
#[tokio::test(start_paused = true)]
async fn an_older_medplums_deletion_travels_too() {
    for content in ["notification", "reference"] {
        let interactions = Interactions { delete: true, ..Interactions::DEFAULT };
        let declaration = Declaration { interactions, ..criteria::<OPTIONAL>("Encounter?") };
        let front = Front::with(declaration, Sqs::default(), |builder| {
            builder.set("FHIR_SUBSCRIPTION_QUEUE", QUEUE).set("FHIR_SUBSCRIPTION_QUEUE_CONTENT", content)
        });
        let named = [("x-medplum-deleted-resource", "Encounter/9")];
        let answered = front.answered_with(Method::POST, None, &named, "{}").await;
        assert_eq!(answered.answer.status, 204, "{content}");
        let messages = std::mem::take(&mut *front.sqs.messages.lock().unwrap());
        assert_eq!(messages.len(), 1, "{content}");
        assert_eq!(front.handle(&messages[0]).await, (true, vec!["Encounter/9".to_owned()]), "{content}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_over_the_limit_of_sqs_travels_as_references() {
    let front = Front::new(watching());
    let long = encounter().replace("canary", &"canary ".repeat(200_000));
    let (status, _, messages) = front.sent(Method::POST, None, &long).await;
    assert_eq!((status, messages.len()), (204, 1));
    assert!(!messages[0].to_string().contains("canary"));
}

#[tokio::test(start_paused = true)]
async fn a_topics_notification_travels_without_its_resources() {
    let front = Front::with(topic::<REQUIRED>(Content::FullResource, &[]), Sqs::default(), |builder| {
        builder.set("FHIR_SUBSCRIPTION_QUEUE", QUEUE).set("FHIR_SUBSCRIPTION_QUEUE_CONTENT", "reference")
    });
    let mut told = notification("event-notification", 1, &[(1, "Encounter/1")]);
    let resource: Value = serde_json::from_str(&encounter().replace("canary", "canary of all")).unwrap();
    let entry = json!({ "fullUrl": "https://fhir.example.org/r4/Encounter/1", "resource": resource,
        "request": { "method": "PUT", "url": "Encounter/1" }, "response": { "status": "200" } });
    told["entry"].as_array_mut().unwrap().push(entry);
    let (status, _, messages) = front.sent(Method::POST, None, &told.to_string()).await;
    assert_eq!((status, messages.len()), (204, 1));
    assert!(!messages[0].to_string().contains("canary of all"), "{messages:?}");
    assert_eq!(front.handle(&messages[0]).await, (true, vec!["#1 Encounter/1@2 {…}".to_owned()]));

    // A resource that is on no server cannot be read again.
    let urn = "urn:uuid:8e3f2c1a-3c0f-4d6e-9f39-5d1f3a0a7b11";
    let mut told = notification("event-notification", 1, &[(1, urn)]);
    told["entry"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "fullUrl": urn, "resource": { "resourceType": "Encounter" } }));
    let (status, outcome, messages) = front.sent(Method::POST, None, &told.to_string()).await;
    assert_eq!((status, outcome, messages.len()), (422, "unprocessable", 0));
}

/// A server may send a token with which the program can read the resources. It opens the server to whoever reads the queue.
#[tokio::test(start_paused = true)]
async fn no_token_of_a_notification_travels() {
    let hint = json!([{ "authorizationType": { "code": "canary" }, "value": "canary-of-a-token" }]);
    let extension = json!([{
        "url": "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/notification-authorization-hint",
        "extension": [{ "url": "value", "valueString": "canary-of-a-token" }],
    }]);
    let native = |name: &str, value: &Value| {
        let mut told = notification("event-notification", 1, &[(1, "Encounter/1")]);
        told["entry"][0]["resource"]["notificationEvent"][0][name] = value.clone();
        told
    };
    let part = |name: &str, kind: &str, value: &str| json!({ "name": name, kind: value });
    let of_r4 = json!({ "resourceType": "Bundle", "type": "history", "entry": [{ "resource": {
        "resourceType": "Parameters", "parameter": [
            part("type", "valueCode", "event-notification"),
            { "name": "subscription", "valueReference": { "reference": "Subscription/s1" } },
            { "name": "notification-event", "part": [
                part("event-number", "valueString", "1"),
                { "name": "focus", "valueReference": { "reference": "Encounter/1" } },
                { "name": "authorization-type", "valueCoding": { "code": "canary" } },
                part("authorization-value", "valueString", "canary-of-a-token"),
            ] },
        ],
    } }] });
    let mut of_r4b = native("extension", &extension);
    of_r4b["type"] = json!("history");
    // A token may have any name, and the narrative repeats what it describes.
    let div = json!({ "div": "<div>Bearer canary-of-a-token</div>" });
    let told = [
        of_r4,
        of_r4b,
        native("extension", &extension),
        native("authorizationHint", &hint),
        native("text", &div),
        native("accessToken", &json!("canary-of-a-token")),
    ];
    for mut told in told {
        let front = Front::new(topic::<REQUIRED>(Content::FullResource, &[]));
        let url = "https://fhir.example.org/r4/Encounter/1";
        // The resource travels as it came: each digit, and its own words about an authorization.
        let resource =
            r#"{"resourceType": "Encounter", "id": "1", "length": {"value": 1.00}, "authorization": "own"}"#;
        let entry =
            json!({ "fullUrl": url, "request": { "method": "PUT", "url": "Encounter/1" }, "resource": "%" });
        told["entry"].as_array_mut().unwrap().push(entry);
        let body = told.to_string().replace("\"%\"", resource);
        let (status, _, messages) = front.sent(Method::POST, None, &body).await;
        assert_eq!((status, messages.len()), (204, 1), "{body}");
        let message = messages[0]["MessageBody"].as_str().unwrap();
        assert!(!message.contains("canary-of-a-token"), "{message}");
        assert!(message.contains(resource), "{message}");
        assert_eq!(front.handle(&messages[0]).await, (true, vec!["#1 Encounter/1 {…}".to_owned()]));
        // Where the token cannot be taken out, references travel: half of a character, and a name in escapes.
        let body = body.replace(r#""canary-of-a-token""#, r#""canary-of-a-token","note":"\ud83d""#);
        let body = body.replace("authorization", r"authori\u007aation");
        let (status, _, messages) = front.sent(Method::POST, None, &body).await;
        let is_told = messages.iter().any(|message| message.to_string().contains("canary-of-a-token"));
        assert!(!is_told, "{status} {messages:?}");
    }
}

/// A Subscription contains the secret that its server shows, and may be reported itself.
#[tokio::test(start_paused = true)]
async fn no_secret_of_the_program_travels() {
    let secret = "canary/of+a=secret-of-the-program";
    let escaped =
        [secret.replace('/', r"\/"), secret.replace('+', r"\u002B"), secret.replace('c', r"\u0063")];
    for name in
        ["FHIR_SUBSCRIPTION_SECRET", "FHIR_SUBSCRIPTION_SECRET_PREVIOUS", "FHIR_SUBSCRIPTION_SIGNING_SECRET"]
    {
        let front = Front::with(watching(), Sqs::default(), |builder| {
            builder.set("FHIR_SUBSCRIPTION_QUEUE", QUEUE).set(name, secret)
        });
        for written in [secret].into_iter().chain(escaped.iter().map(String::as_str)) {
            let body = encounter().replace("canary of a patient", &format!("X-Subscription-Auth: {written}"));
            let (status, _, messages) = front.sent(Method::POST, None, &body).await;
            assert_eq!((status, messages.len()), (204, 1));
            let text: Value = serde_json::from_str(messages[0]["MessageBody"].as_str().unwrap()).unwrap();
            assert!(!text.to_string().contains(secret), "{name} {text}");
            front.handle(&messages[0]).await;
        }
    }
}

/// A topic with heartbeats.
#[cfg(feature = "registration")]
fn beating() -> Declaration {
    use crate::declaration::{Topic, Trigger};
    let url = "http://example.org/topic";
    let topic_of = Topic { url, filters: &[], heartbeat: Some(60), timeout: None, max_count: None };
    Declaration { trigger: Trigger::Topic(topic_of), ..topic::<OPTIONAL>(Content::IdOnly, &[]) }
}

/// The process that handles the messages may be another one, and may be late.
#[cfg(feature = "registration")]
#[tokio::test(start_paused = true)]
async fn a_queued_notification_is_heard_where_it_arrives() {
    for (kind, refusals, is_heard) in [
        ("heartbeat", vec![], true),
        ("event-notification", vec![], true),
        ("heartbeat", vec![(403, "AccessDenied")], false),
    ] {
        let sqs = Sqs { refusals: Mutex::new(refusals), ..Sqs::default() };
        let front = Front::with(beating(), sqs, |builder| {
            builder.set("FHIR_SUBSCRIPTION_QUEUE", QUEUE).set("FHIR_SERVER", "generic")
        });
        let events: &[(u64, &str)] = if kind == "heartbeat" { &[] } else { &[(1, "Encounter/1")] };
        let (_, outcome, _) =
            front.sent(Method::POST, None, &notification(kind, 1, events).to_string()).await;
        assert_eq!(outcome == "queued", is_heard, "{kind}");
        let app = &front.scripted.app;
        assert_eq!(app.memory().silences.last("e", app.now()).0.is_some(), is_heard, "{kind}");
    }
}

/// The FHIR server waits for the answer.
#[cfg(feature = "registration")]
#[tokio::test(start_paused = true)]
async fn a_fhir_server_that_hangs_does_not_hold_up_the_answer() {
    let (started, began) = (std::time::SystemTime::now(), tokio::time::Instant::now());
    let front = Front::with(beating(), Sqs::default(), |builder| {
        builder
            .set("FHIR_SUBSCRIPTION_QUEUE", QUEUE)
            .set("FHIR_SERVER", "generic")
            .clock(move || started + began.elapsed())
    });
    front.scripted.takes(Duration::from_secs(60));
    let heartbeat = notification("heartbeat", 0, &[]).to_string();
    for seconds in [0, 60, 180] {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let asked = tokio::time::Instant::now();
        let (status, outcome, messages) = front.sent(Method::POST, None, &heartbeat).await;
        assert_eq!((status, outcome, messages.len()), (200, "queued", 1));
        assert!(asked.elapsed() < Duration::from_millis(300), "{:?}", asked.elapsed());
    }
    assert!(!front.scripted.asked().is_empty());
}

/// The process that handles the messages could not tell: it sees when the heartbeat came.
#[cfg(feature = "registration")]
#[tokio::test(start_paused = true)]
async fn a_queued_heartbeat_tells_of_the_silence_that_it_ends() {
    let (started, began) = (std::time::SystemTime::now(), tokio::time::Instant::now());
    let front = Front::with(beating(), Sqs::default(), |builder| {
        builder
            .set("FHIR_SUBSCRIPTION_QUEUE", QUEUE)
            .set("FHIR_SERVER", "generic")
            .clock(move || started + began.elapsed())
    });
    let heartbeat = notification("heartbeat", 0, &[]).to_string();
    for (seconds, expected) in
        [(0, vec!["queued"]), (60, vec!["queued"]), (180, vec!["queued", "heartbeat missed"])]
    {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let answered = front.answered(Method::POST, None, &heartbeat).await;
        assert_eq!(answered.records().map(Record::outcome).collect::<Vec<_>>(), expected, "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_is_answered_at_once_and_nothing_wrong_is_queued() {
    let front = Front::new(topic::<OPTIONAL>(Content::FullResource, &[]));
    let handshake = notification("handshake", 0, &[]).to_string();
    assert_eq!(front.sent(Method::POST, None, &handshake).await, (200, "handshake", vec![]));
    let (status, outcome, messages) =
        front.sent(Method::POST, None, &notification("heartbeat", 3, &[]).to_string()).await;
    assert_eq!((status, outcome, messages.len()), (200, "queued", 1));
    for (body, status) in [("{", 400), ("{}", 422), (r#"{"resourceType":"Patient","id":"1"}"#, 422)] {
        let (answered, _, messages) = front.sent(Method::POST, None, body).await;
        assert_eq!((answered, messages.len()), (status, 0), "{body}");
    }
    let front = Front::new(watching());
    let broken = r#"{"resourceType":"Encounter","id":"1","note":tru}"#;
    let (status, _, messages) = front.sent(Method::POST, None, broken).await;
    assert_eq!((status, messages.len()), (400, 0), "its brackets are balanced");
}

#[tokio::test(start_paused = true)]
async fn where_sqs_refuses_the_server_is_told_to_send_it_again() {
    let front = Front::new(watching());
    for (refusals, status) in [
        (vec![(500, "ServiceUnavailable")], 204),
        (vec![(400, "com.amazonaws.sqs#RequestThrottled"), (0, "")], 204),
        (vec![(500, ""); 3], 503),
        (vec![(0, ""); 3], 503),
        (vec![(403, "AccessDenied")], 503),
        (vec![(400, "com.amazonaws.sqs#InvalidParameterValue")], 503),
        (vec![(400, "com.amazonaws.sqs#QueueDoesNotExist")], 503),
    ] {
        *front.sqs.refusals.lock().unwrap() = refusals.clone();
        let answered = front.answered(Method::POST, None, &encounter()).await;
        assert_eq!(answered.answer.status, status, "{refusals:?}");
        // Nobody would notice an outage otherwise: for the caller, a 503 is a success of the invocation.
        assert_eq!(answered.record.measure() == Some(Measure::Failed), status == 503, "{refusals:?}");
        let is_told = answered.answer.headers().any(|(name, _)| name == "retry-after");
        assert_eq!(
            (is_told, answered.record.outcome() == "queue unavailable"),
            (status == 503, status == 503)
        );
        assert!(front.sqs.refusals.lock().unwrap().is_empty(), "{refusals:?}");
        assert!(front.scripted.ran().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn all_messages_of_a_notification_share_one_limit_of_time() {
    for (resources, status) in [(4, 204), (5, 503)] {
        let sqs = Sqs { takes: Duration::from_millis(400), ..Sqs::default() };
        let front = Front::with(watching(), sqs, |builder| {
            builder.set("FHIR_SUBSCRIPTION_QUEUE", QUEUE).set("FHIR_SUBSCRIPTION_QUEUE_CONTENT", "reference")
        });
        let entry = |number: usize| {
            json!({ "resource": { "resourceType": "Encounter", "id": number.to_string() },
                "request": { "method": "PUT", "url": format!("Encounter/{number}") } })
        };
        let entries: Vec<_> = (0..resources).map(entry).collect();
        let found = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
        let began = tokio::time::Instant::now();
        let answered = front.answered(Method::POST, None, &found.to_string()).await;
        assert_eq!(answered.answer.status, status, "{resources}");
        // A caller may wait for two seconds only.
        assert!(began.elapsed() < Duration::from_millis(1_750), "{:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn the_messages_of_a_fifo_queue_are_grouped_by_resource_where_the_latest_is_wanted() {
    let fifo = format!("{QUEUE}.fifo");
    let front = |order| {
        Front::with(Declaration { order, ..watching() }, Sqs::default(), |builder| {
            builder.set("FHIR_SUBSCRIPTION_QUEUE", fifo.clone())
        })
    };
    let (latest, any) = (front(Order::Latest), front(Order::Any));
    let other = encounter().replace("\"1\"", "\"9\"");
    let mut seen = Vec::new();
    for (front, body) in [
        (&latest, encounter()),
        (&latest, encounter()),
        (&latest, other),
        (&any, encounter()),
        (&any, encounter()),
    ] {
        let (status, _, messages) = front.sent(Method::POST, None, &body).await;
        assert_eq!((status, messages.len()), (204, 1));
        let text = |name: &str| messages[0][name].as_str().unwrap().to_owned();
        seen.push((text("MessageGroupId"), text("MessageDeduplicationId")));
    }
    let groups: Vec<_> = seen.iter().map(|(group, _)| group).collect();
    assert!(groups[0] == groups[1] && groups[1] != groups[2] && groups[3] != groups[4], "{groups:?}");
    assert!(!groups[0].contains("Encounter"));
    // Two equal notifications may mean two events.
    let ids: std::collections::HashSet<_> = seen.iter().map(|(_, id)| id).collect();
    assert_eq!(ids.len(), seen.len());
}

#[test]
fn odd_settings_are_told() {
    for (queue, content, told) in [
        ("https://sqs.eu-west-2.amazonaws.com/123456789012/", None, "is not the URL of a queue"),
        ("https://example.org/name", None, "is not the URL of a queue"),
        ("sqs:name", None, "neither an https nor an http URL"),
        ("http://sqs.example.org/1/name", None, "FHIR_ALLOW_HTTP"),
        (QUEUE, Some("references"), "write notification or reference"),
        ("", Some("reference"), "set both or none"),
    ] {
        let builder = crate::testing::TestApp::builder(
            crate::sandbox::Behaviour::Hapi,
            crate::fixtures::leak([watching()]),
        );
        let builder = builder.set("FHIR_SUBSCRIPTION_QUEUE", queue);
        let builder = builder.set("FHIR_SUBSCRIPTION_QUEUE_CONTENT", content.unwrap_or_default());
        let problems = builder.build().unwrap_err().to_string();
        assert!(problems.contains(told), "{queue}: {problems}");
    }
}
