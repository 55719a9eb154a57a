//! A FHIR server with Subscriptions and their topics.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::client::transport::{Limits, Transport, TransportError};

pub(in crate::registration::tests) struct Server(Mutex<Stored>);

struct Stored {
    /// Whether the search by `url` compares `endpoint`, as in R5, instead of `channel.endpoint`.
    is_r5: bool,
    /// By their numbers, in order.
    resources: BTreeMap<usize, Value>,
    created: usize,
    versions: usize,
    writes: usize,
    /// How many of the next handshakes fail.
    unanswered: usize,
    /// The status of a Subscription after a successful handshake.
    accepted: &'static str,
    /// The URLs of topics.
    topics: Vec<&'static str>,
}

impl Server {
    pub(in crate::registration::tests) fn new(version: &str) -> Self {
        let is_r5 = version == "R5";
        Self(Mutex::new(Stored {
            is_r5,
            resources: BTreeMap::new(),
            created: 0,
            versions: 0,
            writes: 0,
            unanswered: 0,
            accepted: "active",
            topics: vec!["https://example.org/topics/admission"],
        }))
    }

    pub(in crate::registration::tests) fn all(&self) -> Vec<Value> {
        self.0.lock().unwrap().resources.values().cloned().collect()
    }

    pub(in crate::registration::tests) fn writes(&self) -> usize {
        self.0.lock().unwrap().writes
    }

    /// Lets the next handshakes fail.
    pub(super) fn leave_unanswered(&self, handshakes: usize) {
        self.0.lock().unwrap().unanswered = handshakes;
    }

    /// Sets the status of Subscriptions that are written from now on.
    pub(in crate::registration::tests) fn accept_as(&self, status: &'static str) {
        self.0.lock().unwrap().accepted = status;
    }

    /// Removes the topics.
    pub(super) fn forget_topics(&self) {
        self.0.lock().unwrap().topics.clear();
    }

    /// Stores a resource that no registration wrote.
    pub(in crate::registration::tests) fn add(&self, resource: Value) {
        self.0.lock().unwrap().create(resource);
    }

    pub(in crate::registration::tests) fn change(&self, id: &str, change: impl FnOnce(&mut Value)) {
        change(self.0.lock().unwrap().resources.get_mut(&id.parse().unwrap()).unwrap());
    }
}

impl Stored {
    fn create(&mut self, resource: Value) -> Value {
        self.created += 1;
        self.put(self.created, resource)
    }

    /// Accepts it at once unless its handshake fails, and adds the elements that servers add.
    fn put(&mut self, id: usize, mut resource: Value) -> Value {
        self.versions += 1;
        resource["id"] = json!(id.to_string());
        resource["meta"]["versionId"] = json!(self.versions.to_string());
        resource["meta"]["lastUpdated"] = json!(format!("2026-01-01T00:00:{:02}Z", self.created));
        resource["status"] = json!(if self.unanswered > 0 { "error" } else { self.accepted });
        self.unanswered = self.unanswered.saturating_sub(1);
        resource["text"] = json!({ "status": "generated" });
        self.resources.insert(id, resource.clone());
        resource
    }

    fn answer(&mut self, request: &Request<Bytes>) -> (StatusCode, Value) {
        let mut segments = request.uri().path().trim_matches('/').split('/');
        let topic: fn(&&'static str) -> Value = match segments.next() {
            Some("Basic") => basic,
            Some("SubscriptionTopic") => native_topic,
            _ => return self.answer_of_subscriptions(request, segments),
        };
        // Like Helios, it ignores parameters.
        (StatusCode::OK, bundle("searchset", self.topics.iter().map(topic).collect()))
    }

    fn answer_of_subscriptions<'r>(
        &mut self,
        request: &'r Request<Bytes>,
        mut segments: impl Iterator<Item = &'r str>,
    ) -> (StatusCode, Value) {
        let body = || serde_json::from_slice(request.body()).unwrap();
        let id = segments.next().and_then(|id| id.parse().ok());
        if *request.method() != Method::GET {
            self.writes += 1;
        }
        match (request.method().as_str(), id) {
            ("POST", None) => (StatusCode::CREATED, self.create(body())),
            ("PUT", Some(id)) => (StatusCode::OK, self.put(id, body())),
            ("DELETE", Some(id)) => {
                self.resources.remove(&id);
                (StatusCode::NO_CONTENT, Value::Null)
            }
            ("GET", None) => (StatusCode::OK, bundle("searchset", self.found(request.uri().query()))),
            ("GET", Some(id)) => match self.resources.get(&id) {
                None => (StatusCode::NOT_FOUND, json!({ "resourceType": "OperationOutcome", "issue": [] })),
                Some(found) if segments.next() == Some("_history") => {
                    (StatusCode::OK, bundle("history", vec![found.clone()]))
                }
                Some(found) => (StatusCode::OK, found.clone()),
            },
            _ => (StatusCode::METHOD_NOT_ALLOWED, Value::Null),
        }
    }

    /// All Subscriptions, or those with the requested endpoint.
    fn found(&self, query: Option<&str>) -> Vec<Value> {
        let query: Vec<_> = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).collect();
        let url = query.iter().find(|(name, _)| name == "url").map(|(_, url)| url.as_ref());
        let endpoint = if self.is_r5 { "/endpoint" } else { "/channel/endpoint" };
        let has = |found: &&Value| url.is_none() || found.pointer(endpoint).and_then(Value::as_str) == url;
        self.resources.values().filter(has).cloned().collect()
    }
}

/// The parameters by which the topics may be filtered.
const PARAMETERS: [&str; 3] = ["patient", "identifier", "status"];

fn native_topic(url: &&'static str) -> Value {
    let parameters = PARAMETERS.map(|parameter| json!({ "filterParameter": parameter }));
    json!({ "resourceType": "SubscriptionTopic", "url": url, "canFilterBy": parameters })
}

/// A topic in R4's form.
fn basic(url: &&'static str) -> Value {
    let name = |element| {
        format!("http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic.{element}")
    };
    let parameters = PARAMETERS.map(|parameter| {
        let part = json!({ "url": "filterParameter", "valueString": parameter });
        json!({ "url": name("canFilterBy"), "extension": [part] })
    });
    let mut extensions =
        vec![json!({ "url": "https://example.org/other" }), json!({ "url": name("url"), "valueUri": url })];
    extensions.extend(parameters);
    json!({ "resourceType": "Basic", "extension": extensions })
}

fn bundle(kind: &str, resources: Vec<Value>) -> Value {
    let entries: Vec<_> = resources.into_iter().map(|resource| json!({ "resource": resource })).collect();
    json!({ "resourceType": "Bundle", "type": kind, "entry": entries })
}

impl Transport for Server {
    fn send<'a>(
        &'a self,
        request: Request<Bytes>,
        _limits: Limits,
    ) -> BoxFuture<'a, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            // Other requests may be answered first, as over a network.
            tokio::task::yield_now().await;
            let (status, body) = self.0.lock().unwrap().answer(&request);
            let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
            let response = Response::builder().status(status).header("content-type", "application/fhir+json");
            Ok(response.body(body).unwrap())
        })
    }
}
