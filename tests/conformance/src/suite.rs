//! [`Session`]: a run of a suite, with the suite as FHIR server.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::notification::{Told, notification};
use crate::wire::{request, serve};

/// The time here for a second of the suites.
const SECOND: Duration = Duration::from_millis(20);

/// The options of a suite: what it requires, and what it sends.
#[derive(Clone, Debug)]
pub struct Suite {
    /// The path of its FHIR server.
    pub path: &'static str,
    /// How callers authenticate.
    pub token: Token,
    /// Whether only 200 to the handshake lets the run continue (A6). Otherwise any answer does (C5).
    pub wants_200: bool,
    /// The event that it sends.
    pub event: fn(&Told) -> Value,
    /// Whether the server pends a claim and then sends the event (C6). Otherwise the event follows the handshake.
    pub pends_claims: bool,
    /// Whether it does not show a Subscription by its id (C10).
    pub hides_subscription: bool,
    /// Its answer to a read or an operation below its path, such as `Encounter/1`.
    pub resource: fn(&str) -> Option<Value>,
    /// Whether the tester has typed a bearer token for the endpoint (A8).
    pub overrides_authorization: bool,
}

/// How callers authenticate.
#[derive(Clone, Copy, Debug)]
pub enum Token {
    /// With a token that identifies the session (A2).
    Fixed(&'static str),
    /// With a token of the suite's token endpoint. The first token has expired when the Subscription is
    /// created (C1).
    Fetched,
    /// With the session in the path (C1).
    None,
}

/// A request from the program.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The method.
    pub method: Method,
    /// The path below the suite's path, with its query.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// A run of a suite.
#[derive(Clone)]
pub struct Session {
    shared: Arc<Shared>,
    /// The base URL of its FHIR server.
    pub base: String,
    ended: watch::Receiver<bool>,
}

struct Shared {
    suite: Suite,
    state: Mutex<State>,
    end: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    subscription: Option<Value>,
    asked: Vec<Asked>,
    /// The program's answers: the type of the notification, the status, and the length of the body.
    answers: Vec<(String, u16, usize)>,
    /// How many tokens were issued.
    tokens: usize,
}

impl Session {
    /// Begins a run.
    pub async fn start(suite: Suite) -> Self {
        let (end, ended) = watch::channel(false);
        let path = suite.path;
        let shared = Arc::new(Shared { suite, state: Mutex::default(), end });
        let inside = Arc::clone(&shared);
        let address = serve(move |request| {
            let shared = Arc::clone(&inside);
            async move { answer(&shared, request) }
        })
        .await;
        Self { shared, base: format!("http://{address}{path}"), ended }
    }

    pub(crate) fn token(&self) -> Token {
        self.shared.suite.token
    }

    /// The URL of the token endpoint.
    #[must_use]
    pub fn token_url(&self) -> String {
        format!("{}/token", self.base)
    }

    /// Waits until the run is over: until the event is answered, or the suite has given it up.
    ///
    /// # Panics
    /// If the run does not end.
    pub async fn end(&self) {
        let mut ended = self.ended.clone();
        let waiting = ended.wait_for(|ended| *ended);
        let ended = tokio::time::timeout(Duration::from_secs(180), waiting).await.expect("it ends");
        assert!(*ended.expect("it is told"));
    }

    /// The requests from the program.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.state().asked.clone()
    }

    /// The present Subscription.
    #[must_use]
    pub fn subscription(&self) -> Value {
        self.shared.state().subscription.clone().unwrap_or_default()
    }

    /// The program's answers, each with the type of the notification and the length of the body.
    #[must_use]
    pub fn answers(&self) -> Vec<(String, u16, usize)> {
        self.shared.state().answers.clone()
    }

    /// Sends a notification to the endpoint like the suite, with the headers of `channel.header`.
    pub async fn send(&self, notification: &Value) -> u16 {
        send(&self.shared, notification).await
    }

    /// The server, Subscription and topic of its notifications.
    #[must_use]
    pub fn told(&self) -> Told {
        told(&self.shared, &self.base)
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Session").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no request panics while it has it")
    }
}

fn told(shared: &Shared, base: &str) -> Told {
    let subscription = shared.state().subscription.clone().unwrap_or_default();
    let text = |member: &str| subscription[member].as_str().unwrap_or_default().to_owned();
    Told { base: base.to_owned(), id: text("id"), topic: text("criteria") }
}

/// The routes of A1, the token endpoint, and the resources that can be read.
fn answer(shared: &Arc<Shared>, request: Request<Bytes>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let host = head.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let base = format!("http://{host}{}", shared.suite.path);
    let Some(path) = head.uri.path().strip_prefix(shared.suite.path) else {
        return outcome(404, "not-found");
    };
    let path = path.trim_start_matches('/').to_owned();
    let query = head.uri.query().map_or(String::new(), |query| format!("?{query}"));
    shared.state().asked.push(Asked {
        method: head.method.clone(),
        path: format!("{path}{query}"),
        headers: head.headers.clone(),
        body: body.clone(),
    });
    if path == "token" && head.method == Method::POST {
        let mut state = shared.state();
        state.tokens += 1;
        let token = format!("token-{}", state.tokens);
        return json_answer(
            200,
            &json!({ "access_token": token, "token_type": "Bearer", "expires_in": 300 }),
        );
    }
    let shown = head.headers.get("authorization").and_then(|shown| shown.to_str().ok()).unwrap_or_default();
    match shared.suite.token {
        Token::Fixed(token) if shown != format!("Bearer {token}") => return outcome(401, "login"),
        Token::Fetched if path != "metadata" && !shown.starts_with("Bearer token-") => {
            return outcome(401, "login");
        }
        Token::Fetched
            if path == "Subscription" && head.method == Method::POST && shown == "Bearer token-1" =>
        {
            return outcome(401, "expired");
        }
        _ => {}
    }
    let id =
        shared.state().subscription.as_ref().and_then(|resource| resource["id"].as_str().map(str::to_owned));
    match (&head.method, path.split('/').collect::<Vec<_>>().as_slice()) {
        (&Method::GET, ["metadata"]) => json_answer(
            200,
            &json!({ "resourceType": "CapabilityStatement", "status": "active", "kind": "instance", "fhirVersion": "4.0.1", "format": ["json"] }),
        ),
        (&Method::POST, ["Subscription"]) if query.is_empty() => create(shared, &base, &body),
        (&Method::GET, ["Subscription", named])
            if id.as_deref() == Some(named) && !shared.suite.hides_subscription =>
        {
            json_answer(200, &shared.state().subscription.clone().unwrap_or_default())
        }
        (&Method::POST, ["Claim", "$submit"]) if shared.suite.pends_claims => submit(shared, &base, &body),
        (_, ["Subscription", named, "$status"]) if id.as_deref() == Some(named) => status(shared, &base),
        (&Method::POST, ["Subscription", "$status"]) => status(shared, &base),
        _ => match (shared.suite.resource)(&path) {
            Some(resource) => json_answer(200, &resource),
            None => outcome(404, "not-found"),
        },
    }
}

/// `POST Subscription`: A3 to A5.
fn create(shared: &Arc<Shared>, base: &str, body: &[u8]) -> Response<Full<Bytes>> {
    let Ok(mut subscription) = serde_json::from_slice::<Value>(body) else { return outcome(400, "invalid") };
    if shared.state().subscription.is_some() {
        return outcome(400, "business-rule");
    }
    let channel = &subscription["channel"];
    if channel["type"] != "rest-hook"
        || !channel["endpoint"].as_str().is_some_and(|url| url.starts_with("http"))
    {
        return outcome(400, "value");
    }
    let extensions = channel["extension"].as_array().cloned().unwrap_or_default();
    let is_heartbeat = |extension: &Value| {
        extension["url"].as_str().is_some_and(|url| url.ends_with("backport-heartbeat-period"))
    };
    if extensions.iter().any(is_heartbeat) {
        return outcome(400, "not-supported");
    }
    subscription["id"] = "8d5f1c52-5a0e-4c55-8b5e-3c3f1f0e9a10".into();
    subscription["status"] = "requested".into();
    if subscription["channel"]["payload"] != "application/json" {
        subscription["channel"]["payload"] = "application/fhir+json".into();
    }
    shared.state().subscription = Some(subscription.clone());
    tokio::spawn(notify(Arc::clone(shared), base.to_owned()));
    // Without a `Location`.
    json_answer(201, &subscription)
}

/// The handshake after a second, and the event after five more: A6, A7, C5, C6.
async fn notify(shared: Arc<Shared>, base: String) {
    tokio::time::sleep(SECOND).await;
    let told = told(&shared, &base);
    let handshake = notification(&told, "handshake", "requested", 0, &[], &[]);
    let status = send(&shared, &handshake).await;
    let is_success = (200..300).contains(&status);
    if let Some(subscription) = &mut shared.state().subscription {
        subscription["status"] = if is_success { "active" } else { "error" }.into();
    }
    if shared.suite.pends_claims {
        return;
    }
    if status == 200 || !shared.suite.wants_200 {
        tokio::time::sleep(SECOND * 5).await;
        send(&shared, &(shared.suite.event)(&told)).await;
    }
    shared.end.send_replace(true);
}

/// `Claim/$submit`: the claim is pended, and the decision follows six seconds later (C6). The Subscription must exist
/// before (C2).
fn submit(shared: &Arc<Shared>, base: &str, body: &[u8]) -> Response<Full<Bytes>> {
    let submitted: Value = serde_json::from_slice(body).unwrap_or_default();
    let is_claim =
        submitted["type"] == "collection" && submitted["entry"][0]["resource"]["resourceType"] == "Claim";
    if !is_claim || shared.state().subscription.is_none() {
        return outcome(400, "business-rule");
    }
    let (inside, base) = (Arc::clone(shared), base.to_owned());
    tokio::spawn(async move {
        tokio::time::sleep(SECOND * 6).await;
        let told = told(&inside, &base);
        send(&inside, &(inside.suite.event)(&told)).await;
        inside.end.send_replace(true);
    });
    let pended = json!({ "resourceType": "ClaimResponse", "outcome": "queued", "disposition": "Pending" });
    json_answer(
        200,
        &json!({ "resourceType": "Bundle", "type": "collection", "entry": [{ "resource": pended }] }),
    )
}

/// The headers of A8: split at the first colon with a space. The tester's token replaces any other one.
async fn send(shared: &Shared, notification: &Value) -> u16 {
    let channel = shared.state().subscription.clone().unwrap_or_default()["channel"].clone();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut headers = vec![("content-type".to_owned(), text(&channel["payload"]))];
    for header in channel["header"].as_array().into_iter().flatten() {
        if let Some((name, value)) = text(header).split_once(": ") {
            headers.push((name.to_owned(), value.to_owned()));
        }
    }
    if shared.suite.overrides_authorization {
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
        headers.push(("authorization".to_owned(), "Bearer typed-in-by-the-tester".to_owned()));
    }
    let answer = request("POST", &text(&channel["endpoint"]), &headers, notification.to_string()).await;
    let parameters =
        notification["entry"][0]["resource"]["parameter"].as_array().cloned().unwrap_or_default();
    let kind = parameters
        .iter()
        .find(|part| part["name"] == "type")
        .map_or(Value::Null, |part| part["valueCode"].clone());
    shared.state().answers.push((text(&kind), answer.status.as_u16(), answer.body.len()));
    answer.status.as_u16()
}

/// `$status`: A12.
fn status(shared: &Shared, base: &str) -> Response<Full<Bytes>> {
    let told = told(shared, base);
    let status = shared.state().subscription.clone().unwrap_or_default()["status"].clone();
    let count = shared.state().answers.iter().filter(|(kind, ..)| kind == "event-notification").count();
    let status = status.as_str().unwrap_or_default();
    let query = notification(&told, "query-status", status, count as u64, &[], &[]);
    let mut entry = query["entry"][0].clone();
    for member in ["request", "response"] {
        if let Some(entry) = entry.as_object_mut() {
            entry.remove(member);
        }
    }
    json_answer(200, &json!({ "resourceType": "Bundle", "type": "searchset", "entry": [entry] }))
}

fn json_answer(status: u16, body: &Value) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let answer = Response::builder().status(status).header("content-type", "application/fhir+json");
    answer.body(Full::new(body.to_string().into())).expect("a status and a header")
}

fn outcome(status: u16, code: &str) -> Response<Full<Bytes>> {
    json_answer(
        status,
        &json!({ "resourceType": "OperationOutcome", "issue": [{ "severity": "error", "code": code }] }),
    )
}
