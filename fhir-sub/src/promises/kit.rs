//! Shared by the tests of promises: a handler and a FHIR server that follow a script.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::app::App;
use crate::client::transport::{Limits, Transport, TransportError};
use crate::deadline::Deadline;
use crate::declaration::{Content, Declaration, Topic, Trigger};
use crate::delivery::Record;
use crate::error::Error;
use crate::event::Event;
use crate::extract::{FromNotification, ResourceUse};
use crate::fhir::Instant;
use crate::fixtures::{Handler, declaration, leak};
use crate::notification::Notification;
use crate::outcome::Outcome;
use crate::rejection::Rejection;
use crate::request::Head;
use crate::sandbox::Behaviour;
use crate::service::Route;
use crate::store::{DeadLetter, MemoryStore, Store, StoreBackend};
use crate::sweep::{SweepOptions, sweep};
use crate::testing::TestApp;

pub(crate) enum Do {
    Ok,
    Fail,
    ForGood,
    Take(Duration),
}

pub(crate) type How = Box<dyn Fn(&Event) -> Do + Send + Sync>;

pub(crate) struct Script {
    pub(crate) ran: Mutex<Vec<String>>,
    pub(crate) keys: Mutex<Vec<Option<String>>>,
    pub(crate) done: Mutex<Vec<String>>,
    pub(crate) how: How,
}

pub(crate) fn script(how: impl Fn(&Event) -> Do + Send + Sync + 'static) -> Arc<Script> {
    Arc::new(Script {
        ran: Mutex::default(),
        keys: Mutex::default(),
        done: Mutex::default(),
        how: Box::new(how),
    })
}

impl Script {
    pub(crate) fn ran(&self) -> Vec<String> {
        std::mem::take(&mut *self.ran.lock().unwrap())
    }
}

pub(crate) struct Got<const USE: u8>(pub(crate) Event, pub(crate) Arc<Script>);

pub(crate) const UNUSED: u8 = 0;
pub(crate) const OPTIONAL: u8 = 1;
pub(crate) const REQUIRED: u8 = 2;

impl<const USE: u8> FromNotification for Got<USE> {
    const RESOURCE: ResourceUse = match USE {
        UNUSED => ResourceUse::Unused,
        OPTIONAL => ResourceUse::Optional,
        _ => ResourceUse::Required,
    };

    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        let script = notification.state::<Arc<Script>>().unwrap();
        Ok(Self(notification.event().clone(), Arc::clone(&script)))
    }
}

pub(crate) struct Run;

impl<const USE: u8> Handler<Got<USE>> for Run {
    async fn handle(Got(event, script): Got<USE>) -> Outcome {
        let line = format!("{}@{}", event.focus().unwrap_or("-"), event.version_id().unwrap_or("-"));
        script.ran.lock().unwrap().push(line.clone());
        script.keys.lock().unwrap().push(event.idempotency_key());
        let what = (script.how)(&event);
        let outcome = match what {
            Do::Ok => Outcome::Handled,
            Do::Fail => Error::transient("x").into(),
            Do::ForGood => Error::permanent("x").into(),
            Do::Take(time) => {
                tokio::time::sleep(time).await;
                Outcome::Handled
            }
        };
        if matches!(outcome, Outcome::Handled) {
            script.done.lock().unwrap().push(line);
        }
        outcome
    }
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) date: Option<SystemTime>,
    pub(crate) delay: Duration,
}

pub(crate) fn reply(status: u16, body: Value) -> Reply {
    Reply { status, body, date: None, delay: Duration::ZERO }
}

/// The answer to any other request: the server has no Subscriptions, and nothing else is there.
pub(crate) fn otherwise(asked: &str) -> Reply {
    if asked.starts_with("GET Subscription?") { reply(200, bundle([])) } else { reply(404, outcome()) }
}

pub(crate) struct Front(Box<dyn Fn(&str) -> Reply + Send + Sync>);

pub(crate) fn front(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Front {
    Front(Box::new(answer))
}

impl Transport for Front {
    fn send<'a>(
        &'a self,
        request: http::Request<Bytes>,
        _limits: Limits,
    ) -> BoxFuture<'a, Result<http::Response<Bytes>, TransportError>> {
        let uri = request.uri().to_string();
        let (_, path) = uri.split_once("/r4/").unwrap();
        let body = std::str::from_utf8(request.body()).unwrap();
        let asked = format!("{} {path} {body}", request.method()).trim_end().to_owned();
        let Reply { status, body, date, delay } = (self.0)(&asked);
        let mut answer = http::Response::builder().status(status);
        if let Some(date) = date {
            answer = answer.header("date", httpdate::fmt_http_date(date));
        }
        let answer = answer.body(body.to_string().into()).unwrap();
        Box::pin(async move {
            tokio::time::sleep(delay).await;
            Ok(answer)
        })
    }
}

pub(crate) fn app(
    behaviour: Behaviour,
    declaration: Declaration,
    store: Option<Arc<dyn StoreBackend>>,
    front: Front,
    script: &Arc<Script>,
    set: &[(&str, &str)],
) -> App {
    app_at(here, behaviour, declaration, store, front, script, set)
}

/// The same with a clock of its own.
pub(crate) fn app_at(
    clock: impl Fn() -> SystemTime + Send + Sync + 'static,
    behaviour: Behaviour,
    declaration: Declaration,
    store: Option<Arc<dyn StoreBackend>>,
    front: Front,
    script: &Arc<Script>,
    set: &[(&str, &str)],
) -> App {
    let mut builder = TestApp::builder(behaviour, leak([declaration]));
    for (name, value) in set {
        builder = builder.set(name, *value);
    }
    if let Some(store) = store {
        builder = builder.store(store);
    }
    builder.clock(clock).transport(Arc::new(front)).state(Arc::clone(script)).build().unwrap()
}

pub(crate) fn shared() -> Arc<dyn StoreBackend> {
    Arc::new(MemoryStore::shared(Arc::new(here)))
}

/// The time of all programs and stores. The tests' servers usually give one date, so it stands still, however slow the
/// machine is.
pub(crate) fn here() -> SystemTime {
    static HERE: LazyLock<SystemTime> = LazyLock::new(SystemTime::now);
    *HERE
}

/// The dead letters of a store.
pub(crate) async fn letters(store: &Arc<dyn StoreBackend>) -> Vec<DeadLetter> {
    Store::new(Arc::clone(store), Duration::from_secs(7 * 86_400)).dead_letters().await.unwrap()
}

pub(crate) async fn send(
    app: &App,
    method: Method,
    reference: Option<&str>,
    body: impl ToString,
) -> (u16, Vec<&'static str>) {
    let (headers, body) = (HeaderMap::new(), body.to_string());
    let head = Head { method: &method, path: "/e", query: None, headers: &headers };
    let declaration = app.registry().find("e").unwrap();
    let route = Route::Endpoint {
        declaration,
        reference: reference.map(str::to_owned),
        owes: crate::service::Owed::Nothing,
    };
    let answered = app.answer(&head, route, body.as_bytes(), app.deadline(None)).await;
    (answered.answer.status.as_u16(), answered.records().map(Record::outcome).collect())
}

pub(crate) async fn post(app: &App, body: impl ToString) -> (u16, Vec<&'static str>) {
    send(app, Method::POST, None, body).await
}

pub(crate) async fn swept(app: &App, since: Option<&str>, seconds: u64) -> Value {
    let options = SweepOptions { since: since.and_then(Instant::parse), endpoint: None };
    let report = sweep(app, &options, Deadline::after(Duration::from_secs(seconds)), None).await;
    serde_json::from_str::<Value>(&report.to_json()).unwrap()["subscriptions"][0].clone()
}

/// So many milliseconds after the beginning of 2026.
pub(crate) fn moment(milliseconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600) + Duration::from_millis(milliseconds)
}

pub(crate) fn at(milliseconds: u64) -> String {
    Instant::from(moment(milliseconds)).to_string()
}

pub(crate) fn encounter(id: &str, version: Option<&str>, milliseconds: u64) -> Value {
    let mut meta = json!({ "lastUpdated": at(milliseconds) });
    if let Some(version) = version {
        meta["versionId"] = json!(version);
    }
    json!({ "resourceType": "Encounter", "id": id, "status": "arrived", "meta": meta })
}

pub(crate) fn bundle(resources: impl IntoIterator<Item = Value>) -> Value {
    let entries: Vec<_> = resources.into_iter().map(|resource| json!({ "resource": resource })).collect();
    json!({ "resourceType": "Bundle", "type": "searchset", "entry": entries })
}

pub(crate) fn outcome() -> Value {
    json!({ "resourceType": "OperationOutcome", "issue": [{ "severity": "error", "code": "not-found" }] })
}

pub(crate) fn parameter(asked: &str, name: &str) -> Option<String> {
    let (_, query) = asked.split_once('?')?;
    let query = query.split(' ').next()?;
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(found, _)| found == name)
        .map(|(_, value)| value.into_owned())
}

/// A page of a search, from rows of id, version and time.
pub(crate) fn page(asked: &str, rows: &[(String, String, u64)]) -> Value {
    let since = parameter(asked, "_lastUpdated").unwrap();
    let since = Instant::parse(since.strip_prefix("ge").unwrap()).unwrap();
    let offset: usize = parameter(asked, "offset").map_or(0, |offset| offset.parse().unwrap());
    let mut found: Vec<_> = rows.iter().filter(|row| Instant::from(moment(row.2)) >= since).collect();
    found.sort_by_key(|row| row.2);
    if parameter(asked, "_sort").as_deref() == Some("-_lastUpdated") {
        found.reverse();
    }
    let entries = found.iter().skip(offset).take(100).map(|row| encounter(&row.0, Some(&row.1), row.2));
    let mut answer = bundle(entries);
    if offset + 100 < found.len() {
        let plain = asked.strip_prefix("GET ").unwrap().split("&offset").next().unwrap();
        answer["link"] = json!([{
            "relation": "next",
            "url": format!("https://fhir.example.org/r4/{plain}&offset={}", offset + 100),
        }]);
    }
    answer
}

pub(crate) fn criteria<const USE: u8>() -> Declaration {
    declaration::<Got<USE>, Run>("Encounter?status=arrived", "e")
}

pub(crate) fn topic<const USE: u8>() -> Declaration {
    let topic = Topic {
        url: "https://example.org/topics/encounters",
        filters: &["Encounter?status=arrived"],
        heartbeat: None,
        timeout: None,
        max_count: None,
    };
    Declaration {
        trigger: Trigger::Topic(topic),
        content: Content::IdOnly,
        ..declaration::<Got<USE>, Run>("", "e")
    }
}
