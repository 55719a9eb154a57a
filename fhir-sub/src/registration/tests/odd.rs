//! A FHIR server with configurable behaviour.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::*;
use crate::client::transport::{Limits, Transport, TransportError};
use crate::settings::Variables;

/// How the server differs from others.
#[derive(Clone, Copy)]
pub(super) struct Ways {
    /// Changes how it shows a Subscription.
    pub(super) shows: fn(&mut Value),
    /// The status of its answers to a search for Subscriptions, to `PUT` and to `DELETE`.
    pub(super) search: u16,
    pub(super) put: u16,
    pub(super) delete: u16,
    /// The status of its answer to `POST`, from the number of its Subscriptions and the new one.
    pub(super) post: fn(usize, &Value) -> u16,
    /// Whether its answer to `POST` says the id.
    pub(super) says_id: bool,
    /// How many searches after a `POST` do not show yet what is new.
    pub(super) lag: usize,
}

impl Default for Ways {
    fn default() -> Self {
        Self { shows: |_| {}, search: 200, put: 200, delete: 204, post: |_, _| 201, says_id: true, lag: 0 }
    }
}

pub(super) struct OddServer {
    ways: Mutex<Ways>,
    /// Whether it keeps the status that is written.
    keeps_status: AtomicBool,
    stored: Mutex<BTreeMap<usize, Value>>,
    /// The AuditEvents, newest first.
    audits: Mutex<Vec<Value>>,
    /// How many more searches show nothing.
    blind: AtomicUsize,
    requests: Mutex<Vec<(Method, String, tokio::time::Instant)>>,
}

/// An app of `declarations` with these additional settings, and its server.
pub(super) fn odd(
    ways: Ways,
    declarations: Vec<Declaration>,
    settings: &[(&str, &str)],
) -> (App, Arc<OddServer>) {
    let server = Arc::new(OddServer {
        ways: Mutex::new(ways),
        keeps_status: false.into(),
        stored: Mutex::default(),
        audits: Mutex::default(),
        blind: 0.into(),
        requests: Mutex::default(),
    });
    (server.app(declarations, settings), server)
}

impl OddServer {
    /// Another app of the same server, as after a restart.
    pub(super) fn app(self: &Arc<Self>, declarations: Vec<Declaration>, settings: &[(&str, &str)]) -> App {
        self.app_with(declarations, settings, |builder| builder)
    }

    /// The same with a store, or with something else that is not a setting.
    pub(super) fn app_with(
        self: &Arc<Self>,
        declarations: Vec<Declaration>,
        settings: &[(&str, &str)],
        with: impl FnOnce(crate::app::AppBuilder) -> crate::app::AppBuilder,
    ) -> App {
        let builder = crate::app::AppBuilder::new(Variables::default(), leak(declarations))
            .set("APP_BASE_URL", "https://app.example.org/hooks")
            .set("FHIR_BASE_URL", "https://fhir.example.org")
            .set("FHIR_SUBSCRIPTION_SECRET", "0f1e2d3c4b5a69788796a5b4c3d2e1f0")
            .transport(self.clone());
        let builder = settings.iter().fold(builder, |builder, (name, value)| builder.set(name, *value));
        with(builder).build().unwrap()
    }

    pub(super) fn change_ways(&self, change: impl FnOnce(&mut Ways)) {
        change(&mut self.ways.lock().unwrap());
    }

    /// The stored Subscriptions, without what the server hides.
    pub(super) fn all(&self) -> Vec<Value> {
        self.stored.lock().unwrap().values().cloned().collect()
    }

    pub(super) fn change(&self, change: impl Fn(&mut Value)) {
        self.stored.lock().unwrap().values_mut().for_each(change);
    }

    /// Stores a resource that no registration wrote.
    pub(super) fn add(&self, id: usize, mut resource: Value) {
        resource["id"] = json!(id.to_string());
        self.stored.lock().unwrap().insert(id, resource);
    }

    /// From now on, a search shows everything.
    pub(super) fn see(&self) {
        self.blind.store(0, Ordering::SeqCst);
    }

    /// Forgets all Subscriptions.
    pub(super) fn clear(&self) {
        self.stored.lock().unwrap().clear();
    }

    /// How many writes it has received.
    pub(super) fn writes(&self) -> usize {
        self.requests.lock().unwrap().iter().filter(|(method, ..)| *method != Method::GET).count()
    }

    /// When it received writes, counted from the first one.
    pub(super) fn times_of_writes(&self) -> Vec<Duration> {
        let requests = self.requests.lock().unwrap();
        let times: Vec<_> =
            requests.iter().filter(|(method, ..)| *method != Method::GET).map(|(.., at)| *at).collect();
        times.iter().map(|at| *at - times[0]).collect()
    }

    /// From now on, keeps the status that is written, as Medplum does.
    pub(super) fn keep_status(&self) {
        self.keeps_status.store(true, Ordering::SeqCst);
    }

    /// Sets the results of deliveries, newest first.
    pub(super) fn audit(&self, audits: Vec<Value>) {
        *self.audits.lock().unwrap() = audits;
    }

    fn put(&self, id: usize, mut resource: Value) -> Value {
        let mut stored = self.stored.lock().unwrap();
        let version = stored.get(&id).map_or(1, |old| {
            old["meta"]["versionId"].as_str().and_then(|version| version.parse::<usize>().ok()).unwrap_or(0)
                + 1
        });
        resource["id"] = json!(id.to_string());
        resource["meta"]["versionId"] = json!(version.to_string());
        resource["meta"]["lastUpdated"] = json!(format!("2026-01-01T00:00:{id:02}Z"));
        if !self.keeps_status.load(Ordering::SeqCst) {
            resource["status"] = json!("active");
        }
        stored.insert(id, resource.clone());
        drop(stored);
        self.shown(resource)
    }

    fn shown(&self, mut resource: Value) -> Value {
        (self.ways.lock().unwrap().shows)(&mut resource);
        resource
    }

    fn found(&self, query: &str) -> Vec<Value> {
        let url = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "url");
        // A `,` separates two values.
        let url = url.map(|(_, url)| url.replace(r"\,", "\0"));
        let urls: Option<Vec<_>> =
            url.as_ref().map(|url| url.split(',').map(|url| url.replace('\0', ",")).collect());
        let has = |found: &&Value| {
            urls.as_ref().is_none_or(|urls| urls.iter().any(|url| endpoint(found) == Some(url)))
        };
        let found: Vec<_> = self.stored.lock().unwrap().values().filter(has).cloned().collect();
        found.into_iter().map(|found| self.shown(found)).collect()
    }

    fn answer(&self, request: &Request<Bytes>) -> (StatusCode, Value) {
        let path = request.uri().path().trim_matches('/').to_owned();
        let request_of = (request.method().clone(), path.clone(), tokio::time::Instant::now());
        self.requests.lock().unwrap().push(request_of);
        let ways = *self.ways.lock().unwrap();
        let refused = |status: u16| StatusCode::from_u16(status).unwrap();
        let segments: Vec<_> = path.split('/').collect();
        let body = || serde_json::from_slice(request.body()).unwrap();
        let number = |id: &str| id.parse::<usize>().unwrap_or_default();
        let query = request.uri().query().unwrap_or_default();
        match (request.method().as_str(), &segments[..]) {
            ("POST", ["Subscription"]) => {
                let there = self.stored.lock().unwrap().len();
                let status = (ways.post)(there, &body());
                if status != 201 {
                    return (refused(status), Value::Null);
                }
                let id = self.stored.lock().unwrap().keys().last().map_or(1, |last| last + 1);
                self.blind.store(ways.lag, Ordering::SeqCst);
                let created = self.put(id, body());
                (
                    StatusCode::CREATED,
                    if ways.says_id { created } else { json!({ "resourceType": "OperationOutcome" }) },
                )
            }
            ("GET", ["AuditEvent"]) => (StatusCode::OK, bundle(self.audits.lock().unwrap().clone())),
            ("GET", ["Subscription"]) if ways.search != 200 => (refused(ways.search), Value::Null),
            ("PUT", ["Subscription", _]) if ways.put != 200 => (refused(ways.put), Value::Null),
            ("DELETE", ["Subscription", _]) if ways.delete != 204 => (refused(ways.delete), Value::Null),
            ("PUT", ["Subscription", id]) => (StatusCode::OK, self.put(number(id), body())),
            ("DELETE", ["Subscription", id]) => {
                self.stored.lock().unwrap().remove(&number(id));
                (StatusCode::NO_CONTENT, Value::Null)
            }
            ("GET", ["Subscription"]) => {
                let is_blind = |blind: usize| blind.checked_sub(1);
                let is_blind = self.blind.fetch_update(Ordering::SeqCst, Ordering::SeqCst, is_blind).is_ok();
                (StatusCode::OK, bundle(if is_blind { Vec::new() } else { self.found(query) }))
            }
            ("GET", ["Subscription", id, "_history"]) => {
                let version = self.stored.lock().unwrap().get(&number(id)).cloned();
                (StatusCode::OK, bundle(version.into_iter().collect()))
            }
            ("GET", ["Subscription", id]) => match self.stored.lock().unwrap().get(&number(id)).cloned() {
                Some(found) => (StatusCode::OK, self.shown(found)),
                None => (StatusCode::NOT_FOUND, Value::Null),
            },
            _ => (StatusCode::NOT_FOUND, Value::Null),
        }
    }
}

fn endpoint(subscription: &Value) -> Option<&str> {
    subscription["channel"]["endpoint"].as_str().or_else(|| subscription["endpoint"].as_str())
}

fn bundle(resources: Vec<Value>) -> Value {
    let entries: Vec<_> = resources.into_iter().map(|resource| json!({ "resource": resource })).collect();
    json!({ "resourceType": "Bundle", "type": "searchset", "entry": entries })
}

impl Transport for OddServer {
    fn send<'a>(
        &'a self,
        request: Request<Bytes>,
        _limits: Limits,
    ) -> BoxFuture<'a, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let (status, body) = self.answer(&request);
            let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
            let response = Response::builder().status(status).header("content-type", "application/fhir+json");
            Ok(response.body(body).unwrap())
        })
    }
}
