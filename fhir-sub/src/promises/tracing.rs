//! The trace of a caller is the parent of a handler's span in every host, and a program without `trace` makes no span.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Request, StatusCode};
use http_body_util::Full;
use serde_json::json;
use tower_service::Service;
use tracing::field::{Field, Visit};
use tracing::{Instrument, Subscriber, info_span, span};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use crate::adapter::tower::answer;
use crate::app::{App, AppBuilder, FLUSH_PATIENCE, flush};
use crate::event::Event;
use crate::fixtures::{Handler, declaration, leak};
use crate::outcome::Outcome;
use crate::promises::kit::encounter;
use crate::sandbox::Behaviour;
use crate::service::Host;
use crate::store::MemoryStore;
use crate::sweep::{SweepOptions, sweep};
use crate::testing::TestApp;

thread_local! {
    /// The trace that `setup` has made the current one, as OpenTelemetry has one.
    static CURRENT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Makes a trace the current one until it is dropped.
struct Attached(Option<String>);

fn attach(caller: &crate::CallerTrace) -> Attached {
    Attached(CURRENT.replace(Some(caller.traceparent().unwrap_or("none").to_owned())))
}

impl Drop for Attached {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// Keeps all spans: `server e < 00-4bf9…`, and at its end its outcome.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<String>>>);

/// The name of a span, and the names of its parents.
struct Named(String);

#[derive(Default)]
struct Fields(Vec<(&'static str, String)>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push((field.name(), format!("{value:?}").trim_matches('"').to_owned()));
    }
}

impl Fields {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, _)| *field == name).map(|(_, value)| &**value)
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let name = match (fields.get("otel.kind"), fields.get("otel.name")) {
            (Some(kind), Some(name)) => format!("{kind} {name}"),
            _ => attributes.metadata().name().to_owned(),
        };
        // OpenTelemetry's layer prefers the current trace, too.
        let attached = CURRENT.with_borrow(Clone::clone);
        let span = context.span(id).unwrap();
        let parent = attached.or_else(|| Some(span.parent()?.extensions().get::<Named>()?.0.clone()));
        let name = parent.map_or(name.clone(), |parent| format!("{name} < {parent}"));
        self.0.lock().unwrap().push(name.clone());
        span.extensions_mut().insert(Named(name));
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        let span = context.span(id).unwrap();
        let name = span.extensions().get::<Named>().unwrap().0.clone();
        let name = name.split(" < ").next().unwrap().to_owned();
        for (field, value) in fields.0 {
            self.0.lock().unwrap().push(format!("{name}: {field} {value}"));
        }
    }

    fn on_event(&self, event: &tracing::Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let span = context.event_span(event);
        let within =
            span.map_or("none".to_owned(), |span| span.extensions().get::<Named>().unwrap().0.clone());
        if fields.get("message").is_some_and(|message| message.starts_with("request")) {
            self.0.lock().unwrap().push(format!("line in {within}"));
        }
    }
}

impl Spans {
    fn record(&self) -> tracing::subscriber::DefaultGuard {
        crate::fixtures::keep_every_callsite();
        tracing::subscriber::set_default(tracing_subscriber::registry().with(self.clone()))
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

struct Work;

impl Handler<Event> for Work {
    async fn handle(event: Event) -> Outcome {
        let id = event.focus().unwrap_or_default().to_owned();
        // A span across a pause, such as the span of a call to a server.
        tokio::task::yield_now().instrument(info_span!("work")).await;
        match &*id {
            "Encounter/panics" => panic!("canary"),
            "Encounter/fails" => crate::Error::transient("canary").into(),
            _ => Outcome::Handled,
        }
    }
}

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const SECRET: &str = "the-secret-of-a-test-and-no-other";

fn builder() -> AppBuilder {
    let encounters = declaration::<Event, Work>("Encounter?", "e");
    TestApp::builder(Behaviour::Generic, leak([encounters]))
        .store(MemoryStore::shared(Arc::new(std::time::SystemTime::now)))
}

fn traced() -> App {
    builder().trace(attach).build().unwrap()
}

fn request(id: &str, secret: &str) -> Request<Full<bytes::Bytes>> {
    Request::post("/e")
        .header("x-subscription-auth", secret)
        .header("content-type", "application/fhir+json")
        .header("traceparent", TRACE)
        .body(Full::new(encounter(id, Some("1"), 0).to_string().into()))
        .unwrap()
}

#[tokio::test]
async fn the_callers_trace_is_the_parent_in_serve_and_in_a_router() {
    let spans = Spans::default();
    let _guard = spans.record();
    let of_request = |outcome: &str, status: u16| {
        vec![
            format!("server e < {TRACE}"),
            format!("work < server e < {TRACE}"),
            format!("server e: outcome {outcome}"),
            format!("server e: http.response.status_code {status}"),
            format!("line in server e < {TRACE}"),
        ]
    };
    let app = traced();
    let served = answer(app.clone(), request("1", SECRET), Host::Invocation(None)).await;
    assert_eq!(served.status(), StatusCode::NO_CONTENT);
    assert_eq!(spans.take(), of_request("handled", 204));
    app.clone().call(request("2", SECRET)).await.unwrap();
    assert_eq!(spans.take(), of_request("handled", 204));
    // Also a handler that fails or panics has its span, which ends.
    for (id, outcome) in [("fails", "failed"), ("panics", "panicked")] {
        let mut expected = of_request(outcome, 500);
        expected.insert(4, "server e: otel.status_code ERROR".to_owned());
        app.clone().call(request(id, SECRET)).await.unwrap();
        assert_eq!(spans.take(), expected, "{id}");
    }
    // The span of a router is the parent, across the task that a request has of its own.
    let of_router = async { app.clone().call(request("3", SECRET)).await.unwrap() };
    of_router.instrument(info_span!("router")).await;
    let recorded = spans.take();
    assert_eq!(recorded[..3], ["router", "server e < router", "work < server e < router"]);
    // A stranger makes no span, nor does one who asks for health.
    app.clone().call(request("4", "not-the-secret-of-anybody-at-all")).await.unwrap();
    assert_eq!(spans.take(), ["line in none"]);
    let health = Request::get("/health").body(Full::new(bytes::Bytes::new())).unwrap();
    app.clone().call(health).await.unwrap();
    assert_eq!(spans.take(), [""; 0]);
}

#[tokio::test]
async fn a_program_without_trace_makes_no_span_and_keeps_that_of_its_router() {
    let spans = Spans::default();
    let _guard = spans.record();
    let app = builder().build().unwrap();
    answer(app.clone(), request("1", SECRET), Host::Invocation(None)).await;
    assert_eq!(spans.take(), ["work", "line in none"]);
    let of_router = async { app.clone().call(request("2", SECRET)).await.unwrap() };
    of_router.instrument(info_span!("router")).await;
    assert_eq!(spans.take(), ["router", "work < router", "line in router"]);
}

#[tokio::test]
async fn a_sweep_has_a_span_of_its_own() {
    let spans = Spans::default();
    let _guard = spans.record();
    let app = traced();
    sweep(&app, &SweepOptions::default(), app.deadline(None), None).await;
    let recorded = spans.take();
    assert_eq!(recorded[0], "internal sweep", "{recorded:?}");
}

#[tokio::test]
async fn a_function_of_setup_that_panics_costs_neither_the_span_nor_the_answer() {
    let spans = Spans::default();
    let _guard = spans.record();
    let app = builder().trace(|_| -> () { panic!("canary") }).build().unwrap();
    let served = answer(app, request("1", SECRET), Host::Invocation(None)).await;
    assert_eq!(served.status(), StatusCode::NO_CONTENT);
    assert_eq!(spans.take()[..2], ["server e", "work < server e"]);
}

#[tokio::test]
async fn a_tenant_has_the_tracing_of_the_program_or_its_own() {
    let spans = Spans::default();
    let _guard = spans.record();
    let flushed = Arc::new(AtomicUsize::new(0));
    let count = |by: usize| {
        let flushed = flushed.clone();
        move || _ = flushed.fetch_add(by, Ordering::SeqCst)
    };
    let of = |tenant: AppBuilder, name: &str| {
        let secret = format!("the-secret-of-the-tenant-{name}-and-no-other");
        let url = format!("https://{name}.example.org/fhir");
        tenant.set("FHIR_SUBSCRIPTION_SECRET", secret).set("FHIR_BASE_URL", url)
    };
    let app = AppBuilder::new(
        crate::settings::Variables::default(),
        vec![leak([declaration::<Event, Work>("Encounter?", "e")])[0]],
    )
    .set("APP_BASE_URL", "https://app.example.org")
    .trace(attach)
    .flush(count(1))
    .tenant("north", move |tenant| of(tenant, "north"))
    .tenant("south", {
        let own = count(100);
        move |tenant| of(tenant, "south").flush(own)
    });
    let app = app.build().unwrap();
    let mut request = request("1", "the-secret-of-the-tenant-north-and-no-other");
    *request.uri_mut() = "/north/e".parse().unwrap();
    assert_eq!(answer(app.clone(), request, Host::Invocation(None)).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(spans.take()[0], format!("server e < {TRACE}"));
    flush(app.flushes(), FLUSH_PATIENCE).await;
    assert_eq!(flushed.load(Ordering::SeqCst), 101);
}

#[cfg(feature = "lambda")]
mod of_lambda {
    use super::*;
    use crate::adapter::lambda;

    const X_RAY: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    const OF_X_RAY: &str = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";

    async fn spans_of(app: &App, event: &serde_json::Value, invocation: Option<&str>) -> Vec<String> {
        let spans = Spans::default();
        let _guard = spans.record();
        lambda::reply_within(app, event, invocation).await.unwrap();
        spans.take()
    }

    fn http(headers: &[(&str, &str)], id: &str) -> serde_json::Value {
        let mut all = HeaderMap::new();
        let own = [("x-subscription-auth", SECRET), ("content-type", "application/fhir+json")];
        for (name, value) in own.iter().chain(headers) {
            all.insert(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        let headers: serde_json::Map<_, _> =
            all.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().into())).collect();
        json!({ "version": "2.0", "rawPath": "/e", "rawQueryString": "", "headers": headers,
            "requestContext": { "http": { "method": "POST", "path": "/e" } },
            "body": encounter(id, Some("1"), 0).to_string() })
    }

    #[tokio::test]
    async fn the_callers_trace_is_the_parent() {
        let app = traced();
        for (headers, invocation, parent) in [
            (&[("traceparent", TRACE)][..], Some(X_RAY), TRACE),
            (&[("x-amzn-trace-id", X_RAY)], None, OF_X_RAY),
            (&[("x-amzn-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793")], Some(X_RAY), OF_X_RAY),
            (&[], Some(X_RAY), OF_X_RAY),
            (&[], None, "none"),
        ] {
            let recorded = spans_of(&app, &http(headers, "panics"), invocation).await;
            let expected = [format!("server e < {parent}"), format!("work < server e < {parent}")];
            assert_eq!(recorded[..2], expected);
            assert_eq!(*recorded.last().unwrap(), format!("line in server e < {parent}"));
        }
        assert_eq!(spans_of(&builder().build().unwrap(), &http(&[], "1"), Some(X_RAY)).await.len(), 2);
    }

    #[cfg(feature = "events")]
    #[tokio::test]
    async fn the_trace_of_a_message_is_the_parent() {
        let app = traced();
        let message = |attributes: serde_json::Value, of_aws: &str, body: serde_json::Value| {
            json!({ "Records": [{ "messageId": "m1", "receiptHandle": "AQ", "body": body.to_string(),
                "attributes": { "ApproximateReceiveCount": "1", "AWSTraceHeader": of_aws },
                "messageAttributes": attributes, "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-west-2:123456789012:e" }] })
        };
        let attribute = |kind: &str| json!({ "traceparent": { kind: TRACE } });
        let body = |id: &str| encounter(id, Some("1"), 0);
        let sns = json!({ "Type": "Notification", "TopicArn": "a", "Message": body("2").to_string(),
            "MessageAttributes": attribute("Value") });
        let own = json!({ "fhir-sub": "notification", "endpoint": "e", "method": "POST", "path": "/e",
            "headers": [["content-type", "application/fhir+json"], ["traceparent", TRACE]],
            "notification": body("3") });
        let bus = json!({ "detail-type": "e", "source": "mine", "detail": body("4") });
        for (what, event, parent) in [
            ("an attribute", message(attribute("stringValue"), X_RAY, body("1")), TRACE),
            ("SNS", message(json!({}), X_RAY, sns), TRACE),
            ("queue mode", message(json!({}), X_RAY, own), TRACE),
            ("SQS itself", message(json!({}), X_RAY, body("5")), OF_X_RAY),
            ("a bus", bus, OF_X_RAY),
        ] {
            let recorded = spans_of(&app, &event, Some(X_RAY)).await;
            assert_eq!(recorded[0], format!("consumer e < {parent}"), "{what}");
            assert_eq!(recorded[1], format!("work < consumer e < {parent}"), "{what}");
        }
    }
}
