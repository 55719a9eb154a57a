//! [`Front`]: the server as an instance's client sees it, with the faults on the way.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use fhir_sub::__simulation::{FhirServer, Unanswered};
use http::{Method, Request, Response};
use serde_json::{Value, json};

use super::{Server, has_history};
use crate::life::date;
use crate::moment::{instant, stamp};
use crate::plan::{Answering, Dialect, Fault, Trait};
use crate::world::{World, lock, pass, sleep};

/// The base URLs of the server, and of the server of the other program. Both have the same path.
pub(crate) const BASES: [&str; 2] = ["https://fhir.example.org/r4", "https://other.example.org/r4"];

/// The server, as an instance sees it.
pub(crate) struct Front(pub(crate) Arc<World>);

/// An answer of the server.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

pub(crate) fn reply(status: u16, body: Value) -> Reply {
    Reply { status, body }
}

/// An answer with an OperationOutcome.
pub(crate) fn refusal(status: u16) -> Reply {
    reply(status, outcome("processing"))
}

pub(crate) fn outcome(code: &str) -> Value {
    json!({ "resourceType": "OperationOutcome", "issue": [{ "severity": "error", "code": code }] })
}

impl FhirServer for Front {
    fn answer(
        &self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, Unanswered>> + Send + '_>> {
        Box::pin(answer(&self.0, request))
    }
}

async fn answer(world: &World, request: Request<Bytes>) -> Result<Response<Bytes>, Unanswered> {
    let number = world.count(&world.counts.requests);
    let uri = request.uri();
    let path = uri.path().strip_prefix("/r4/").unwrap_or(uri.path());
    // The path of Firely's Subscriptions.
    let path = path.strip_prefix("administration/").unwrap_or(path).to_owned();
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let fault = world.fault(|fault| match *fault {
        Fault::Request(which, answering) if which == number => Some(answering),
        _ => None,
    });
    let asked = || format!("{} {path}?{}", request.method(), uri.query().unwrap_or_default());
    if let Some(fault) = fault {
        world.log(|| format!("server: request {number}, {}: {fault:?}", asked()));
    }
    pass().await;
    let is_search = path == "Encounter" && request.method() == Method::GET;
    let is_history = path == "Encounter/_history" && has_history(world, true);
    let asks = |name: &str| query.iter().any(|(asked, _)| asked == name);
    // A refusal is quick. If the server does not say its time, sweeps that end in pieces never know that they are done.
    let is_refused = (asks("_sort") && world.has(Trait::RefusesSort))
        || (asks("_deleted") && world.plan.setup.dialect != Dialect::Medplum)
        || world.has(Trait::NoDate);
    if (is_search || is_history) && !is_refused && world.has(Trait::SlowPages) {
        sleep(9_000).await;
    }
    if (is_search || is_history) && world.has(Trait::TakesASecond) && !world.is_quiet() {
        sleep(1_000).await;
    }
    match fault {
        Some(Answering::NotSent) => return Err(Unanswered::NotSent),
        Some(Answering::Hangs) => std::future::pending().await,
        Some(Answering::Slow(time)) => sleep(time).await,
        _ => {}
    }
    let date = date(world);
    let mut replied = match fault {
        Some(Answering::Unavailable) => refusal(503),
        Some(Answering::TooMany) => refusal(429),
        Some(Answering::DeadLink(status)) if is_search && asks("place") => refusal(status),
        _ => lock(&world.server).reply(world, request.method(), &path, &query, request.body()),
    };
    if fault == Some(Answering::Partial) && is_search {
        replied.body["entry"] =
            json!([{ "search": { "mode": "outcome" }, "resource": outcome("incomplete") }]);
    }
    world.log(|| format!("server: {}: {} {}", asked(), replied.status, brief(&replied.body)));
    pass().await;
    if fault == Some(Answering::Broken) {
        return Err(Unanswered::Broken);
    }
    let mut answer =
        Response::builder().status(replied.status).header("content-type", "application/fhir+json");
    if !world.has(Trait::NoDate) {
        answer = answer.header("date", date);
    }
    Ok(answer.body(replied.body.to_string().into()).expect("an answer"))
}

impl Server {
    fn reply(
        &mut self,
        world: &World,
        method: &Method,
        path: &str,
        query: &[(String, String)],
        body: &[u8],
    ) -> Reply {
        let parts: Vec<_> = path.split('/').collect();
        match (method.as_str(), &*parts) {
            ("GET", ["Encounter"]) => self.search(world, query),
            ("GET", ["Encounter", "_history"]) if has_history(world, true) => self.type_history(world, query),
            ("GET", ["Encounter", _] | ["Encounter", _, "_history", ..]) if world.refuses_reads() => {
                refusal(403)
            }
            ("GET", ["Encounter", id]) => self.read(world, id),
            ("GET", ["Encounter", id, "_history"]) if has_history(world, false) => {
                self.history(world, id, query)
            }
            ("GET", ["Encounter", id, "_history", version]) => self.read_version(world, id, version),
            ("GET", ["Subscription"]) => {
                reply(200, bundle("searchset", self.subscription.iter().cloned().collect()))
            }
            ("GET", ["Subscription", "s1"] | ["Subscription", "s1", "_history", "1"]) => self
                .subscription
                .clone()
                .map_or_else(|| refusal(404), |subscription| reply(200, subscription)),
            ("POST", ["Subscription"]) | ("PUT", ["Subscription", "s1"]) => self.subscribe(world, body),
            ("GET", ["Subscription", "s1", "$status"]) => self.status(world),
            ("GET", ["Subscription", "s1", "$events"]) => self.queried(world, query),
            ("GET", ["SubscriptionTopic" | "Basic" | "AuditEvent"]) => {
                reply(200, bundle("searchset", Vec::new()))
            }
            _ => refusal(404),
        }
    }

    fn read(&self, world: &World, id: &str) -> Reply {
        let Some(id) = Self::id_of(&format!("Encounter/{id}")) else { return refusal(404) };
        match self.current(id, world.now()) {
            None => refusal(404),
            Some(change) if change.kind == super::Kind::Delete => refusal(410),
            Some(change) => reply(200, self.resource(change)),
        }
    }

    fn read_version(&self, world: &World, id: &str, version: &str) -> Reply {
        let Some(id) = Self::id_of(&format!("Encounter/{id}")) else { return refusal(404) };
        let now = world.now();
        let found = self
            .of_id(id)
            .find(|it| it.visible <= now && self.version_id(it) == version && !self.has_no_versions);
        match found {
            None => refusal(404),
            Some(change) if change.kind == super::Kind::Delete => refusal(410),
            Some(change) => reply(200, self.resource(change)),
        }
    }

    fn subscribe(&mut self, world: &World, body: &[u8]) -> Reply {
        let Ok(mut subscription) = serde_json::from_slice::<Value>(body) else { return refusal(400) };
        let is_new = self.subscription.is_none();
        subscription["id"] = json!("s1");
        subscription["status"] = json!("active");
        let written = instant(stamp(world.now(), world.ahead(false)));
        subscription["meta"]["versionId"] = json!("1");
        subscription["meta"]["lastUpdated"] = json!(written);
        self.subscription = Some(subscription.clone());
        reply(if is_new { 201 } else { 200 }, subscription)
    }
}

/// A Bundle of resources.
pub(crate) fn bundle(kind: &str, resources: Vec<Value>) -> Value {
    let entries: Vec<_> = resources.into_iter().map(|resource| json!({ "resource": resource })).collect();
    json!({ "resourceType": "Bundle", "type": kind, "entry": entries })
}

/// A summary of an answer, for the trace.
fn brief(body: &Value) -> String {
    let Some(entries) = body["entry"].as_array() else {
        return body["resourceType"].as_str().unwrap_or_default().to_owned();
    };
    let named = |entry: &Value| {
        let resource = &entry["resource"];
        let text = |value: &Value| value.as_str().map(str::to_owned).unwrap_or_default();
        match resource["resourceType"].as_str() {
            Some("Encounter") => {
                format!("{}@{}", text(&resource["id"]), text(&resource["meta"]["versionId"]))
            }
            Some(other) => other.to_owned(),
            None => format!("{} {}", text(&entry["request"]["method"]), text(&entry["request"]["url"])),
        }
    };
    let all: Vec<_> = entries.iter().map(named).collect();
    let further = if body["link"].as_array().is_some_and(|it| it.iter().any(|it| it["relation"] == "next")) {
        ", and a link to more"
    } else {
        ""
    };
    format!("[{}]{further}", all.join(", "))
}
