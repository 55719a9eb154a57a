//! An operator relies on these: probes, an end in time, and a limit on memory.

use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Answer, Told, serve_apart};
use crate::adapter::tower::answer;
use crate::app::{App, AppBuilder};
use crate::event::Event;
use crate::fixtures::{Handler, SeveredStore, Succeed, Way, declaration, leak};
use crate::outcome::Outcome;
use crate::sandbox::Behaviour;
use crate::service::Host;
use crate::store::MemoryStore;
use crate::testing::TestApp;

const SECRET: &str = "the-secret-of-a-test-and-no-other";
const ADMIN: &str = "the-admin-secret-of-a-test-and-no-other";

/// Keeps its thread for as long as the test holds the lock.
struct Blocks;

static BLOCKED: LazyLock<Mutex<()>> = LazyLock::new(Mutex::default);

impl Handler<Event> for Blocks {
    async fn handle(_event: Event) -> Outcome {
        drop(BLOCKED.lock().unwrap_or_else(PoisonError::into_inner));
        Outcome::Handled
    }
}

/// Never ends.
struct Hangs;

impl Handler<Event> for Hangs {
    async fn handle(_event: Event) -> Outcome {
        std::future::pending().await
    }
}

fn app(setup: impl FnOnce(AppBuilder) -> AppBuilder) -> TestApp {
    let declarations = leak([
        declaration::<Event, Succeed>("Patient?", "succeeds"),
        declaration::<Event, Blocks>("Patient?", "blocks"),
        declaration::<Event, Hangs>("Patient?", "hangs"),
    ]);
    let builder = TestApp::builder(Behaviour::Hapi, declarations);
    TestApp::build(Behaviour::Hapi, setup(builder)).unwrap()
}

/// The answer of a listener to `request`.
async fn asked(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn notification(endpoint: &str) -> String {
    let body = r#"{"resourceType":"Patient","id":"1"}"#;
    format!(
        "PUT /{endpoint}/Patient/1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-subscription-auth: {SECRET}\r\n\
         content-type: application/fhir+json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

const HEALTH: &str = "GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

/// Ready when the test says so.
static STOP: Mutex<Option<Receiver<()>>> = Mutex::new(None);

fn told_to_stop() -> Told {
    let stop = STOP.lock().unwrap().take().unwrap();
    Box::pin(async move {
        while stop.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
}

/// There is one worker, so one handler blocks all workers. Health is still answered, and the end comes in time.
#[test]
fn health_is_told_while_handlers_block_every_worker_and_the_end_comes_in_time() {
    let blocked = BLOCKED.lock().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (stop, stopping) = sync_channel(1);
    *STOP.lock().unwrap() = Some(stopping);
    runtime.block_on(async {
        let app = app(|builder| builder).app().clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer: Answer = Arc::new(move |request| {
            let answer = answer(app.clone(), request, Host::Router);
            Box::pin(async { answer.await.map(BodyExt::boxed_unsync) })
        });
        let (stopped, ended) =
            serve_apart(listener, answer, told_to_stop, Duration::from_millis(50)).unwrap();
        // A client of its own thread: this runtime's workers are blocked.
        let client = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                for _ in 0..3 {
                    let mut stream = TcpStream::connect(address).await.unwrap();
                    stream.write_all(notification("blocks").as_bytes()).await.unwrap();
                    assert!(asked(address, HEALTH).await.starts_with("HTTP/1.1 200"));
                }
                stop.send(()).unwrap();
            });
        });
        stopped.await;
        ended.await;
        client.join().unwrap();
    });
    let begun = Instant::now();
    runtime.shutdown_background();
    assert!(begun.elapsed() < Duration::from_secs(5), "a blocked handler does not keep the process");
    drop(blocked);
}

async fn status(app: &App, request: http::request::Builder, body: impl Into<Bytes>) -> (StatusCode, String) {
    let request = request.body(Full::new(body.into())).unwrap();
    let response = answer(app.clone(), request, Host::Router).await;
    let (parts, body) = response.into_parts();
    let retry = parts.headers.get("retry-after").map(|it| format!("retry after {} ", it.to_str().unwrap()));
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status, format!("{}{}", retry.unwrap_or_default(), String::from_utf8(body.to_vec()).unwrap()))
}

fn post(endpoint: &str) -> http::request::Builder {
    Request::put(format!("/{endpoint}/Patient/1"))
        .header("x-subscription-auth", SECRET)
        .header("content-type", "application/fhir+json")
}

fn patient(bytes: usize) -> String {
    let patient = r#"{"resourceType":"Patient","id":"1"}"#;
    format!("{patient}{}", " ".repeat(bytes - patient.len()))
}

#[tokio::test(start_paused = true)]
async fn bodies_share_a_memory_and_what_is_beyond_comes_again() {
    let test = app(|builder| builder.set("FHIR_SUBSCRIPTION_BODIES_MAXIMUM", "6"));
    let app = test.app();
    // Two thirds of it, for as long as the handler runs.
    let large = tokio::spawn({
        let app = app.clone();
        async move { status(&app, post("hangs"), patient(4 << 20)).await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (refused, said) = status(app, post("succeeds"), patient(3 << 20)).await;
    assert_eq!(refused, StatusCode::SERVICE_UNAVAILABLE);
    assert!(said.starts_with("retry after 5"), "{said}");
    assert_eq!(status(app, post("succeeds"), patient(1 << 20)).await.0, StatusCode::NO_CONTENT);
    // A refused stranger takes no memory. A body above the limit is refused before memory is taken.
    let stranger =
        Request::put("/succeeds/Patient/1").header("x-subscription-auth", "nobody-has-this-secret");
    assert_eq!(status(app, stranger, patient(1 << 20)).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(status(app, post("succeeds"), patient(7 << 20)).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(large.await.unwrap().0, StatusCode::SERVICE_UNAVAILABLE, "its time was over");
    assert_eq!(status(app, post("succeeds"), patient(6 << 20)).await.0, StatusCode::NO_CONTENT);
    assert_eq!(app.bodies().taken(), 0);
}

/// Strangers who claim to sign can hold a part of the memory, and not for long.
#[tokio::test(start_paused = true)]
async fn strangers_with_a_signature_leave_memory_for_the_others() {
    let test = app(|builder| {
        let builder = builder.set("FHIR_SUBSCRIPTION_HUB_SECRET", "the-secret-of-a-hub-and-no-other!");
        builder.set("FHIR_SUBSCRIPTION_BODIES_MAXIMUM", "24")
    });
    let app = test.app();
    let stranger = |signature: &str| {
        let request = Request::post("/succeeds").header("x-hub-signature", signature);
        request.header("content-type", "application/fhir+json")
    };
    let formed = format!("sha256={}", "0".repeat(64));
    // It never sends its body, nor says how long the body is.
    let hangs = |signature: &str| {
        let body = StreamBody::new(futures_util::stream::pending::<Result<Frame<Bytes>, std::io::Error>>());
        let request = stranger(signature).body(body).unwrap();
        let answered = tokio::spawn(answer(app.clone(), request, Host::Router));
        async move { answered.await.unwrap().status() }
    };
    let first = hangs(&formed);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(app.bodies().taken(), 6 << 20);
    assert_eq!(hangs(&formed).await, StatusCode::SERVICE_UNAVAILABLE, "a quarter is theirs");
    assert_eq!(hangs("sha256=0").await, StatusCode::UNAUTHORIZED, "the body is not waited for");
    assert_eq!(status(app, post("succeeds"), patient(6 << 20)).await.0, StatusCode::NO_CONTENT);
    let begun = tokio::time::Instant::now();
    assert_eq!(first.await, StatusCode::SERVICE_UNAVAILABLE, "its time was over");
    assert_eq!(begun.elapsed(), Duration::from_secs(9));
    assert_eq!(app.bodies().taken(), 0);
    let (wrong, _) = status(app, stranger(&formed), patient(6 << 20)).await;
    assert_eq!(wrong, StatusCode::UNAUTHORIZED);
}

#[test]
fn a_memory_in_which_not_one_body_fits_is_refused() {
    let builder = TestApp::builder(Behaviour::Hapi, leak([declaration::<Event, Succeed>("Patient?", "e")]));
    let built = TestApp::build(Behaviour::Hapi, builder.set("FHIR_SUBSCRIPTION_BODIES_MAXIMUM", "5"));
    let problems = built.unwrap_err().to_string();
    assert!(problems.contains("FHIR_SUBSCRIPTION_BODIES_MAXIMUM allows 5242880 bytes"), "{problems}");
}

#[tokio::test(start_paused = true)]
async fn readiness_is_that_of_the_store_and_costs_it_little() {
    let store = Arc::new(SeveredStore::new(MemoryStore::new(10), Way::Open));
    let test = app(|builder| builder.store(store.clone()));
    let ready = async || status(test.app(), Request::get("/prod/ready"), "").await;
    assert_eq!(ready().await, (StatusCode::OK, r#"{"status":"ready"}"#.to_owned()));
    store.set(Way::Refused);
    assert_eq!(ready().await.0, StatusCode::OK, "it was asked a moment ago");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(ready().await, (StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"not ready"}"#.to_owned()));
    assert_eq!(status(test.app(), Request::get("/health"), "").await.0, StatusCode::OK);
    store.set(Way::Open);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(ready().await.0, StatusCode::OK);
    assert_eq!(status(test.app(), Request::post("/ready"), "").await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test(start_paused = true)]
async fn prometheus_is_let_in_by_the_secret_of_administration_alone() {
    let counting = |builder: AppBuilder| {
        let builder = builder.set("FHIR_SUBSCRIPTION_METRICS", "prometheus");
        builder.set("FHIR_SUBSCRIPTION_ADMIN_SECRET", ADMIN)
    };
    let test = app(counting);
    let app = test.app();
    assert_eq!(status(app, post("succeeds"), patient(64)).await.0, StatusCode::NO_CONTENT);
    let metrics = || Request::builder().method(Method::GET).uri("/metrics");
    let bearer = |secret: &str| metrics().header("authorization", format!("Bearer {secret}"));
    for stranger in [
        metrics(),
        bearer(SECRET),
        bearer("nobody-has-this-secret"),
        metrics().header("authorization", format!("Basic {ADMIN}")),
        bearer(ADMIN).header("authorization", format!("Bearer {ADMIN}")),
        metrics().header("x-subscription-auth", SECRET),
    ] {
        assert_eq!(status(app, stranger, "").await.0, StatusCode::UNAUTHORIZED);
    }
    // It opens nothing else.
    let other = Request::get("/status").header("authorization", format!("Bearer {ADMIN}"));
    assert_eq!(status(app, other, "").await.0, StatusCode::UNAUTHORIZED);
    for friend in [bearer(ADMIN), metrics().header("x-subscription-auth", ADMIN)] {
        let (status, text) = status(app, friend, "").await;
        assert_eq!(status, StatusCode::OK);
        for line in [
            r#"fhir_sub_events_total{endpoint="succeeds",result="handled"} 1"#,
            r#"fhir_sub_request_duration_seconds_count{endpoint="succeeds"} 1"#,
            r#"fhir_sub_events_total{endpoint="",result="refused"} 7"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(!text.contains("Patient"), "{text}");
    }
    // Prometheus writes a scheme before a secret, also if the callers' secret is in the same header.
    let test = super::tests::app(|builder| {
        let builder = counting(builder).set("FHIR_SUBSCRIPTION_HEADER", "Authorization");
        builder.set("FHIR_SUBSCRIPTION_SECRET", format!("Bearer {SECRET}"))
    });
    assert_eq!(status(test.app(), bearer(ADMIN), "").await.0, StatusCode::OK);
    for stranger in [bearer(SECRET), bearer("nobody-has-this-secret")] {
        assert_eq!(status(test.app(), stranger, "").await.0, StatusCode::UNAUTHORIZED);
    }

    // Without the setting there is no such route.
    let test = super::tests::app(|builder| builder.set("FHIR_SUBSCRIPTION_ADMIN_SECRET", ADMIN));
    let asked = metrics().header("x-subscription-auth", ADMIN);
    assert_eq!(status(test.app(), asked, "").await.0, StatusCode::NOT_FOUND);
}
