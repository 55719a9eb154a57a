//! For tests: an app with a scripted FHIR server, and a handler that records its events.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::record::Record;
use crate::app::{App, AppBuilder};
use crate::client::transport::{Limits, Transport, TransportError};
use crate::declaration::{Content, Declaration, Topic, Trigger};
use crate::error::Error;
use crate::event::Event;
use crate::extract::{FromNotification, ResourceUse};
use crate::fixtures::{Handler, declaration, leak};
use crate::notification::Notification;
use crate::outcome::Outcome;
use crate::rejection::Rejection;
use crate::request::Head;
use crate::sandbox::Behaviour;
use crate::service::{Answered, Route};
use crate::testing::TestApp;

/// A status and a body.
type Reply = (u16, Value);

/// Answers each request by a function of its method, path with query, and body, and records the requests.
pub(crate) struct Server {
    answer: Box<dyn Fn(&str) -> Reply + Send + Sync>,
    asked: Mutex<Vec<String>>,
    /// Whether the handler uses the resource. If not, a read asks for the version only, and the server does
    /// not say it: the tests are not about versions.
    is_read: bool,
    /// How long an answer takes.
    takes: Mutex<Duration>,
}

impl Transport for Server {
    fn send<'a>(
        &'a self,
        request: http::Request<Bytes>,
        _limits: Limits,
    ) -> BoxFuture<'a, Result<http::Response<Bytes>, TransportError>> {
        let uri = request.uri().to_string();
        let path = uri.strip_prefix("https://fhir.example.org/r4/").expect("no other server is ever asked");
        let body = std::str::from_utf8(request.body()).unwrap();
        let asked = format!("{} {path} {body}", request.method()).trim_end().to_owned();
        let (status, body) = if !self.is_read && asked.starts_with("GET Encounter") {
            (404, json!({}))
        } else {
            let reply = (self.answer)(&asked);
            self.asked.lock().unwrap().push(asked);
            reply
        };
        let answer = http::Response::builder().status(status).body(body.to_string().into()).unwrap();
        let takes = *self.takes.lock().unwrap();
        Box::pin(async move {
            // Other tasks run meanwhile, as they would over a network.
            tokio::task::yield_now().await;
            if !takes.is_zero() {
                tokio::time::sleep(takes).await;
            }
            Ok(answer)
        })
    }
}

/// The runs of handlers: number, focus and version of the event, and whether it had a resource.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Vec<String>>);

/// Whether the handler fails on an event, by how often it ran on it.
pub(crate) type Fails = fn(&Event, usize) -> bool;

/// An event, whether it has a resource (used as `USE` says), and the log to write it to.
pub(crate) struct Kept<const USE: u8> {
    event: Event,
    has_resource: bool,
    log: Arc<Log>,
    fails: Fails,
}

pub(crate) const UNUSED: u8 = 0;
pub(crate) const OPTIONAL: u8 = 1;
pub(crate) const REQUIRED: u8 = 2;

impl<const USE: u8> FromNotification for Kept<USE> {
    const RESOURCE: ResourceUse = match USE {
        UNUSED => ResourceUse::Unused,
        OPTIONAL => ResourceUse::Optional,
        _ => ResourceUse::Required,
    };

    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        let has_resource = notification.resource().is_some();
        if USE == REQUIRED && !has_resource {
            return Err(Rejection::unprocessable("the notification carries no resource"));
        }
        let log = notification.state::<Arc<Log>>().expect("it is given below");
        let fails = *notification.state::<Fails>().expect("it is given below");
        Ok(Self { event: notification.event().clone(), has_resource, log: Arc::clone(&log), fails })
    }
}

/// A handler that records its events.
pub(crate) struct Keep;

impl<const USE: u8> Handler<Kept<USE>> for Keep {
    async fn handle(Kept { event, has_resource, log, fails }: Kept<USE>) -> Outcome {
        let number = event.number().map_or_else(String::new, |number| format!("#{number} "));
        let version = event.version_id().map_or_else(String::new, |version| format!("@{version}"));
        let resource = if has_resource { " {…}" } else { "" };
        let line = format!("{number}{}{version}{resource}", event.focus().unwrap_or("-"));
        let times = {
            let mut lines = log.0.lock().unwrap();
            lines.push(line.clone());
            lines.iter().filter(|other| **other == line).count()
        };
        tokio::task::yield_now().await;
        if fails(&event, times) { Error::transient("canary").into() } else { Outcome::Handled }
    }
}

/// The app of one declaration, its server, and the log of its handler.
pub(crate) struct Scripted {
    pub(crate) app: App,
    server: Arc<Server>,
    log: Arc<Log>,
}

impl Scripted {
    pub(crate) fn new(
        declaration: Declaration,
        answer: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::with(declaration, |_, _| false, |builder| builder, answer)
    }

    pub(crate) fn with(
        declaration: Declaration,
        fails: Fails,
        setup: impl FnOnce(AppBuilder) -> AppBuilder,
        answer: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let is_read = declaration.uses.resource != ResourceUse::Unused;
        let (asked, takes) = (Mutex::default(), Mutex::default());
        let server = Arc::new(Server { answer: Box::new(answer), asked, is_read, takes });
        let log = Arc::new(Log::default());
        let builder = TestApp::builder(Behaviour::Hapi, leak([declaration]));
        let builder = builder.set("FHIR_SUBSCRIPTION_LOG_ERRORS", "kind");
        let builder = builder.transport(server.clone()).state(Arc::clone(&log)).state(fails);
        Self { app: setup(builder).build().unwrap(), server, log }
    }

    /// Sends `body` to the endpoint. Returns the status and the words of each record.
    pub(crate) async fn send(&self, body: impl ToString) -> (u16, Vec<&'static str>) {
        let answered = self.answered(body).await;
        (answered.answer.status.as_u16(), answered.records().map(Record::outcome).collect())
    }

    pub(crate) async fn answered(&self, body: impl ToString) -> Answered {
        let (headers, body) = (HeaderMap::new(), body.to_string());
        let head = Head { method: &Method::POST, path: "/e", query: None, headers: &headers };
        let declaration = self.app.registry().find("e").unwrap();
        let route = Route::Endpoint { declaration, reference: None, owes: crate::service::Owed::Nothing };
        let answered = self.app.answer(&head, route, body.as_bytes(), self.app.deadline(None)).await;
        assert!(!format!("{answered:?}").contains("canary"), "{answered:?}");
        answered
    }

    /// Lets each further answer of the server take so long.
    pub(crate) fn takes(&self, time: Duration) {
        *self.server.takes.lock().unwrap() = time;
    }

    /// The requests to the server since the last call.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.server.asked.lock().unwrap())
    }

    /// The runs of the handler since the last call.
    pub(crate) fn ran(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.0.lock().unwrap())
    }
}

/// The declaration of a topic.
pub(crate) fn topic<const USE: u8>(content: Content, filters: &'static [&'static str]) -> Declaration {
    let url = "http://example.org/topic";
    let topic = Topic { url, filters, heartbeat: None, timeout: None, max_count: None };
    let declaration = declaration::<Kept<USE>, Keep>("", "e");
    Declaration { trigger: Trigger::Topic(topic), content, ..declaration }
}

/// The declaration of a criteria with `content = "empty"`.
pub(crate) fn criteria<const USE: u8>(criteria: &'static str) -> Declaration {
    Declaration { content: Content::Empty, ..declaration::<Kept<USE>, Keep>(criteria, "e") }
}

/// A notification of this type, with these numbers and references. Its Subscription is on a host that must
/// not be called.
pub(crate) fn notification(kind: &str, counted: u64, events: &[(u64, &str)]) -> Value {
    let event = |(number, reference): &(u64, &str)| {
        let mut event = json!({
            "eventNumber": number.to_string(),
            "timestamp": format!("2026-01-01T{:02}:{:02}:00Z", number / 60, number % 60),
            "canary": "canary",
        });
        if !reference.is_empty() {
            event["focus"] = json!({ "reference": reference });
        }
        event
    };
    let status = json!({
        "resourceType": "SubscriptionStatus",
        "type": kind,
        "subscription": { "reference": "https://canary.example.org/Subscription/s1" },
        "eventsSinceSubscriptionStart": counted.to_string(),
        "notificationEvent": events.iter().map(event).collect::<Vec<_>>(),
    });
    json!({ "resourceType": "Bundle", "type": "subscription-notification", "entry": [{ "resource": status }] })
}

/// A notification of one event about `Encounter/{number}`.
pub(crate) fn event(number: u64) -> Value {
    notification("event-notification", number, &[(number, &format!("Encounter/{number}"))])
}
