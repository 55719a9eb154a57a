//! The sandbox from outside: requests go in, notifications come out.

mod bundle;
mod corpus;
mod criteria;
mod faults;
mod hapi;
mod medplum;
mod nonsense;
mod patch;
mod refused;
mod rest;
mod search;
mod topics;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::{Behaviour, BoxFuture, Builder, Deliver, DeliveryError, Sandbox};

/// A program under test. It keeps its requests, and gives the listed answers, then 204.
#[derive(Clone, Default)]
struct Program {
    received: Arc<Mutex<Vec<Request<Bytes>>>>,
    answers: Arc<Mutex<VecDeque<Option<u16>>>>,
}

impl Program {
    /// `None` is a refused connection.
    fn answering(answers: impl IntoIterator<Item = Option<u16>>) -> Self {
        Self { answers: Arc::new(Mutex::new(answers.into_iter().collect())), ..Self::default() }
    }

    /// The requests since the last call, as `METHOD url`.
    fn received(&self) -> Vec<String> {
        let requests = std::mem::take(&mut *self.received.lock().unwrap());
        requests.iter().map(|request| format!("{} {}", request.method(), request.uri())).collect()
    }

    /// The only request since the last call.
    fn request(&self) -> Request<Bytes> {
        let mut requests = std::mem::take(&mut *self.received.lock().unwrap());
        assert_eq!(requests.len(), 1);
        requests.remove(0)
    }
}

impl Deliver for Program {
    fn deliver(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<StatusCode, DeliveryError>> {
        self.received.lock().unwrap().push(request);
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Some(204));
        Box::pin(async move {
            answer
                .map(|status| StatusCode::from_u16(status).unwrap())
                .ok_or_else(|| DeliveryError::new("refused"))
        })
    }
}

fn sandbox() -> Sandbox {
    Sandbox::builder().build(Program::default())
}

fn hapi(program: &Program) -> Sandbox {
    Sandbox::builder().behaviour(Behaviour::Hapi).build(program.clone())
}

fn medplum(program: &Program) -> Sandbox {
    Sandbox::builder().behaviour(Behaviour::Medplum).build(program.clone())
}

/// An answer with its body as JSON.
struct Reply {
    status: u16,
    response: Response<Bytes>,
    body: Value,
}

impl Reply {
    fn header(&self, name: &str) -> &str {
        self.response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The text of the only issue.
    fn problem(&self) -> &str {
        assert_eq!(self.body["resourceType"], "OperationOutcome");
        self.body["issue"][0]["diagnostics"].as_str().unwrap()
    }

    /// The ids of a Bundle's resources.
    fn ids(&self) -> Vec<&str> {
        assert_eq!(self.body["resourceType"], "Bundle", "{}", self.body);
        let entries = self.body["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
        entries.iter().map(|entry| entry["resource"]["id"].as_str().unwrap()).collect()
    }
}

async fn send(sandbox: &Sandbox, request: Request<Bytes>) -> Reply {
    let response = sandbox.handle(request).await;
    let body = serde_json::from_slice(response.body()).unwrap_or_default();
    Reply { status: response.status().as_u16(), response, body }
}

/// Sends a request with headers (`name: value`) and a JSON body, unless the body is null.
async fn call(sandbox: &Sandbox, method: Method, url: &str, headers: &[&str], body: Value) -> Reply {
    let mut request = Request::builder().method(method).uri(url);
    for header in headers {
        let (name, value) = header.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    send(sandbox, request.body(body).unwrap()).await
}

async fn get(sandbox: &Sandbox, url: &str) -> Reply {
    call(sandbox, Method::GET, url, &[], Value::Null).await
}

async fn post(sandbox: &Sandbox, url: &str, body: Value) -> Reply {
    call(sandbox, Method::POST, url, &[], body).await
}

async fn put(sandbox: &Sandbox, url: &str, body: Value) -> Reply {
    call(sandbox, Method::PUT, url, &[], body).await
}

/// A Subscription to `http://app/hook` with a payload; `more` replaces and adds members.
fn subscription(status: &str, criteria: &str, more: Value) -> Value {
    let mut subscription = json!({
        "resourceType": "Subscription",
        "status": status,
        "reason": "a test",
        "criteria": criteria,
        "channel": { "type": "rest-hook", "endpoint": "http://app/hook", "payload": "application/fhir+json" },
    });
    for (member, value) in more.as_object().unwrap() {
        match value {
            Value::Object(parts) if member == "channel" => {
                parts.iter().for_each(|(part, value)| subscription["channel"][part] = value.clone());
            }
            value => subscription[member] = value.clone(),
        }
    }
    subscription
}

fn appointment(status: &str) -> Value {
    json!({ "resourceType": "Appointment", "status": status })
}

fn with_id(mut resource: Value, id: &str) -> Value {
    resource["id"] = id.into();
    resource
}
