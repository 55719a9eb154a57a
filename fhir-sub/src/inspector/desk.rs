//! [`Inspector`]: the page, and the answers to its requests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::code::{Target, as_curl, as_test};
use super::delivery::{Delivery, Origin};
use super::guard::Guard;
use super::live::Live;
use super::notified::notification;
use super::page::Page;
use super::path::{ODD, is_plain};
use super::recorder::Recorder;
use super::run::{own, run};
use crate::adapter::local::LocalBody;
use crate::app::App;
use crate::deadline::Deadline;
use crate::declaration::Declaration;
use crate::delivery::dead_letters;
use crate::fhir::{is_id, is_type_name};
use crate::key::Key;
use crate::recorded::pretty;
use crate::registration::{self, Options};
use crate::sandbox::Sandbox;
use crate::sandbox::sample::{Sample, sample};
use crate::store::{DeadLetter, Stored};

/// The page of a program, and the answers to its requests.
#[derive(Clone, Debug)]
pub(crate) struct Inspector(Arc<Desk>);

#[derive(Debug)]
struct Desk {
    guard: Guard,
    page: Page,
    view: View,
}

/// The content of the page.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) app: App,
    pub(crate) recorder: Recorder,
    pub(crate) sandbox: Option<Sandbox>,
    /// The search that a sample for an endpoint must match, for each endpoint with a known search.
    pub(crate) samples: Vec<(&'static str, String)>,
    /// The URL at which the program listens.
    pub(crate) url: String,
    /// Whether the program has made its secret itself, so that the environment does not contain it.
    pub(crate) has_own_secret: bool,
}

/// The largest body that is read, in bytes.
const BODY_LIMIT: usize = 64 << 20;

/// How long the server may take to answer.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

impl Inspector {
    /// The page that is served at `address`.
    ///
    /// # Errors
    ///
    /// The system gives no random bytes.
    pub(crate) fn new(address: SocketAddr, view: View) -> Result<Self, &'static str> {
        Ok(Self(Arc::new(Desk { guard: Guard::new(address)?, page: Page::new(), view })))
    }

    /// The URL of the page.
    pub(crate) fn url(&self) -> String {
        self.0.guard.url()
    }

    /// Answers one request.
    pub(crate) async fn answer(self, request: Request<Incoming>) -> Response<LocalBody> {
        let (parts, body) = request.into_parts();
        let mut response = match self.0.guard.admit(&parts) {
            Err(stranger) => {
                let (status, text) = stranger.answer();
                whole(status, "text/plain; charset=utf-8", text)
            }
            Ok(path) => match Limited::new(body, BODY_LIMIT).collect().await {
                Ok(body) => self.0.route(&parts, path, body.to_bytes()).await,
                Err(_) => failed(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    &format!("the body is larger than {} MiB, or did not arrive whole", BODY_LIMIT >> 20),
                ),
            },
        };
        // The browser must not store the answer, show it in a frame, guess its type, or tell its URL to another site.
        for (name, value) in [
            ("cache-control", "no-store"),
            ("cross-origin-resource-policy", "same-origin"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

impl Desk {
    async fn route(&self, parts: &Parts, path: &str, body: Bytes) -> Response<LocalBody> {
        let view = &self.view;
        if let Some(path) = path.strip_prefix("send/") {
            return view.send(parts, path, body).await;
        }
        if let Some(path) = path.strip_prefix("api/fhir/") {
            return view.ask_sandbox(parts, path, body).await;
        }
        let segments: Vec<_> = path.split('/').collect();
        match (parts.method.as_str(), segments.as_slice()) {
            // The page asks below its own address. Without the last slash, it would ask beside the token.
            ("GET", [""]) if !parts.uri.path().ends_with('/') => {
                let mut response = whole(StatusCode::PERMANENT_REDIRECT, "text/plain; charset=utf-8", "");
                if let Ok(page) = format!("{}/", parts.uri.path()).parse() {
                    response.headers_mut().insert(header::LOCATION, page);
                }
                response
            }
            ("GET", [""]) => {
                let mut response = whole(StatusCode::OK, "text/html; charset=utf-8", self.page.html.clone());
                if let Ok(policy) = self.page.policy.parse() {
                    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
                }
                response
            }
            #[cfg(feature = "mcp")]
            (_, ["mcp"]) => super::mcp::mcp(view, &self.guard.url(), parts, &body).await,
            ("GET", ["api", "program"]) => answer(&view.program()),
            ("GET", ["api", "live"]) => {
                let after = query(parts, "after").and_then(|after| after.parse().ok()).unwrap_or(0);
                let live = Live::after(view.recorder.clone(), view.app.clone(), after);
                with_body(StatusCode::OK, "text/event-stream", live.boxed_unsync())
            }
            ("GET", ["api", "deliveries", id]) => {
                match id.parse().ok().and_then(|id| view.recorder.get(id)) {
                    Some(delivery) => answer(&view.detail(&delivery, &self.guard.url())),
                    None => failed(
                        StatusCode::NOT_FOUND,
                        "this delivery is not kept: the program keeps the last deliveries only, and none when it starts again",
                    ),
                }
            }
            ("GET", ["api", "subscriptions"]) => answer(&view.subscriptions().await),
            ("POST", ["api", "register"]) => view.register().await,
            ("GET", ["api", "kinds"]) => {
                answer(&json!(view.sandbox.as_ref().map(Sandbox::types).unwrap_or_default()))
            }
            ("GET", ["api", "pretty", kind, id]) if is_type_name(kind) && is_id(id) => {
                view.resource(kind, id)
            }
            ("GET", ["api", "samples", endpoint]) => view.sample(endpoint),
            ("GET", ["api", "dead-letters"]) => match view.letters().await {
                Ok(letters) => {
                    let letters: Vec<_> = letters.into_iter().map(|(_, letter)| letter).collect();
                    answer(&json!({ "deadLetters": letters }))
                }
                Err(unavailable) => failed(StatusCode::BAD_GATEWAY, &unavailable.to_string()),
            },
            ("POST" | "DELETE", ["api", "dead-letters", key]) => match Key::parse(key) {
                Some(key) => view.settle(&parts.method, &key).await,
                None => failed(StatusCode::NOT_FOUND, "there is no such dead letter"),
            },
            _ => failed(
                StatusCode::NOT_FOUND,
                "the page has nothing at this path for this method: open the URL that the program has printed",
            ),
        }
    }
}

impl View {
    fn program(&self) -> Value {
        let settings = self.app.settings();
        let handler = |declaration: &&'static Declaration| {
            let wanted = declaration.interactions;
            let interactions =
                [("create", wanted.create), ("update", wanted.update), ("delete", wanted.delete)];
            let interactions = interactions.into_iter().filter(|(_, is_wanted)| *is_wanted);
            json!({
                "endpoint": declaration.endpoint,
                "handler": declaration.handler,
                "place": declaration.source.to_string(),
                "interactions": interactions.map(|(name, _)| name).collect::<Vec<_>>(),
                "hasSample": self.samples.iter().any(|(endpoint, _)| *endpoint == declaration.endpoint),
            })
        };
        // Every tenant has the same handlers.
        let declarations = self.app.apps().take(1).flat_map(|app| app.registry().declarations());
        let name = std::env::current_exe().ok();
        let name = name.as_deref().and_then(|path| path.file_stem()).and_then(|name| name.to_str());
        json!({
            "name": name.unwrap_or("fhir-sub"),
            "url": self.url,
            "fhirUrl": settings.fhir_base_url.as_str(),
            "server": format!("{} {}", settings.fhir_server.title, settings.fhir_version.name()),
            "hasSandbox": self.sandbox.is_some(),
            "handlers": declarations.map(handler).collect::<Vec<_>>(),
        })
    }

    /// All of a delivery, with texts to copy.
    pub(super) fn detail(&self, delivery: &Delivery, desk: &str) -> Value {
        let app = self.app.serving(&delivery.sent.path);
        let mut detail = json!(delivery.summary(&self.app));
        let room = app.settings().fhir_server;
        if self.sandbox.is_some() && delivery.pause(room).is_some() {
            // Otherwise the user might wait for the notification of another resource.
            let next = delivery.next(room);
            detail["next"] = format!(
                "{next}; until it succeeds or is given up, the sandbox sends nothing else to this endpoint"
            )
            .into();
        }
        let header = |(name, value): (&header::HeaderName, &HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.into()))
        };
        let headers: serde_json::Map<_, Value> = delivery.sent.headers.iter().filter_map(header).collect();
        let body = String::from_utf8_lossy(&delivery.sent.body);
        detail["headers"] = headers.into();
        detail["pretty"] = pretty(&body).into();
        detail["body"] = body.into();
        detail["answer"] = pretty(&delivery.answer).unwrap_or_else(|| delivery.answer.clone()).into();
        let now = |reference: &str| self.sandbox.as_ref()?.get(reference);
        detail["test"] = as_test(app, delivery, now).into();
        let target = if self.has_own_secret || !is_let_in_by_the_variable(app) {
            Target::Desk { base_url: format!("{desk}send") }
        } else {
            Target::Program { base_url: self.url.clone(), header: app.settings().header.to_string() }
        };
        // curl changes the same paths as a browser.
        let curl = is_plain(&delivery.sent.path).then(|| as_curl(delivery, &target));
        detail["curl"] = curl.into();
        detail
    }

    pub(super) async fn subscriptions(&self) -> Value {
        let mut rows = Vec::new();
        for app in self.app.apps() {
            let of_app = registration::status(app, Deadline::after(PATIENCE)).await;
            rows.extend(of_app.into_iter().map(|row| (app.tenant_name(), row)));
        }
        let rows = rows.into_iter().map(|(tenant, row)| {
            json!({
                "tenant": tenant,
                "endpoint": row.endpoint,
                "criteria": row.criteria,
                "subscription": row.subscription,
                "status": row.status,
                "drift": row.drift,
                "error": row.message.or(row.diagnostics),
                "events": row.events,
                "notes": row.notes,
            })
        });
        json!({ "subscriptions": rows.collect::<Vec<_>>() })
    }

    async fn register(&self) -> Response<LocalBody> {
        let mut is_complete = true;
        for app in self.app.apps() {
            let report = registration::register(app, Options::default(), Deadline::after(PATIENCE)).await;
            is_complete &= report.is_complete();
        }
        match is_complete {
            true => answer(&json!({})),
            false => failed(
                StatusCode::BAD_GATEWAY,
                "the list of subscriptions has the error of each, and so has the command `status`",
            ),
        }
    }

    /// Sends a request through the program, and answers as the program does.
    async fn send(&self, parts: &Parts, path: &str, body: Bytes) -> Response<LocalBody> {
        let path = format!("/{path}");
        if !is_plain(&path) {
            return failed(StatusCode::BAD_REQUEST, ODD);
        }
        let again = query(parts, "again").and_then(|id| id.parse().ok());
        let draft = (&parts.method, &*path, &parts.headers);
        let sent = Delivery::draft(&self.app, Origin::Desk { again }, draft, body).sent;
        let (answered, delivery) = match query(parts, "as").as_deref() {
            Some("server") => own(&self.app, &sent, again).await,
            _ => run(&self.app, &sent, again).await,
        };
        let delivery = delivery.map(|delivery| self.recorder.add(delivery));
        let answer = answered.answer;
        let content_type =
            answer.headers().find(|(name, _)| *name == "content-type").map_or("text/plain", |(_, it)| it);
        let content_type = content_type.to_owned();
        let mut response = whole(answer.status, &content_type, answer.body);
        if let Some(delivery) = delivery {
            response.headers_mut().insert("x-delivery", delivery.id.into());
        }
        response
    }

    async fn ask_sandbox(&self, parts: &Parts, path: &str, body: Bytes) -> Response<LocalBody> {
        let Some(sandbox) = &self.sandbox else {
            return failed(StatusCode::NOT_FOUND, "the program has no sandbox: FHIR_BASE_URL names a server");
        };
        let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let mut request = Request::builder().method(&parts.method).uri(format!("/{path}{query}"));
        for name in [header::CONTENT_TYPE, header::IF_MATCH] {
            if let Some(value) = parts.headers.get(&name) {
                request = request.header(name, value);
            }
        }
        match request.body(body) {
            Ok(request) => sandbox.handle(request).await.map(|body| Full::new(body).boxed_unsync()),
            Err(_) => failed(
                StatusCode::BAD_REQUEST,
                "the sandbox has no such address: write one like Patient/1 after api/fhir/",
            ),
        }
    }

    /// A resource of the sandbox, as JSON on several lines.
    fn resource(&self, kind: &str, id: &str) -> Response<LocalBody> {
        match self.sandbox.as_ref().and_then(|sandbox| sandbox.get(&format!("{kind}/{id}"))) {
            Some(resource) => {
                let text = resource.to_string();
                whole(StatusCode::OK, "application/fhir+json", pretty(&text).unwrap_or(text))
            }
            None => {
                failed(StatusCode::NOT_FOUND, "the resource is not there, or is deleted: see its history")
            }
        }
    }

    /// The sample of a handler: as a resource to create in the sandbox, and as a notification to send to the program.
    fn sample(&self, endpoint: &str) -> Response<LocalBody> {
        let criteria = self.samples.iter().find(|(name, _)| *name == endpoint);
        let sample = criteria.and_then(|(_, criteria)| sample(criteria, self.app.settings().fhir_version));
        match (self.app.registry().find(endpoint), sample) {
            (Some(declaration), Some(Sample { resource, others })) => {
                let mut said = notification(&self.app, declaration, resource.clone());
                said["resource"] = resource;
                said["others"] = others.into();
                answer(&said)
            }
            _ => failed(StatusCode::NOT_FOUND, "no sample is known for this handler"),
        }
    }

    /// The dead letters of the program, each with the app of its tenant.
    async fn letters(&self) -> Stored<Vec<(&App, DeadLetter)>> {
        let mut letters = Vec::new();
        for app in self.app.apps() {
            letters.extend(dead_letters::list(app).await?.into_iter().map(|letter| (app, letter)));
        }
        Ok(letters)
    }

    /// Handles a dead letter once more, or drops it.
    async fn settle(&self, method: &Method, key: &Key) -> Response<LocalBody> {
        let unavailable = |error: &dyn std::fmt::Display| failed(StatusCode::BAD_GATEWAY, &error.to_string());
        let unknown = || failed(StatusCode::NOT_FOUND, "there is no such dead letter");
        let letters = match self.letters().await {
            Ok(letters) => letters,
            Err(error) => return unavailable(&error),
        };
        let Some((app, letter)) = letters.iter().find(|(_, letter)| letter.key == *key) else {
            return unknown();
        };
        if *method == Method::DELETE {
            return match dead_letters::drop(app, key).await {
                Ok(true) => answer(&json!({})),
                Ok(false) => unknown(),
                Err(error) => unavailable(&error),
            };
        }
        let begun = Instant::now();
        match dead_letters::retry(app, letter, app.deadline(None)).await {
            Ok(Some(retried)) => {
                retried.record.write(app, begun.elapsed(), None);
                let (outcome, is_settled) = (retried.record.outcome(), retried.is_settled);
                answer(&json!({ "outcome": outcome, "isSettled": is_settled }))
            }
            Ok(None) => failed(StatusCode::NOT_FOUND, "no handler has its endpoint any more: drop it"),
            Err(error) => unavailable(&error),
        }
    }
}

fn query(parts: &Parts, name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(parts.uri.query()?.as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

pub(super) fn answer(json: &Value) -> Response<LocalBody> {
    whole(StatusCode::OK, "application/json", json.to_string())
}

pub(super) fn failed(status: StatusCode, why: &str) -> Response<LocalBody> {
    whole(status, "application/json", json!({ "error": why }).to_string())
}

pub(super) fn whole(status: StatusCode, content_type: &str, body: impl Into<Bytes>) -> Response<LocalBody> {
    with_body(status, content_type, Full::new(body.into()).boxed_unsync())
}

fn with_body(status: StatusCode, content_type: &str, body: LocalBody) -> Response<LocalBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if let Ok(content_type) = content_type.parse() {
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    }
    response
}
/// Whether a caller is let in that shows the secret of the environment, and nothing else.
fn is_let_in_by_the_variable(app: &App) -> bool {
    let secrets = &app.settings().secrets;
    let named = std::env::var("FHIR_SUBSCRIPTION_SECRET").unwrap_or_default();
    secrets.signing.is_none() && secrets.shared.as_ref().is_some_and(|shared| shared.expose() == named.trim())
}
