//! A FHIR server on a port: the sandbox, with its notifications over HTTP.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fhir_sub::sandbox::{DeliveryError, Sandbox};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::Barrier;

use super::wire;

/// A FHIR server that ends with the test.
pub(crate) struct FhirServer {
    pub(crate) sandbox: Sandbox,
    pub(crate) url: String,
    load: Arc<Load>,
    has_search: Arc<AtomicBool>,
}

/// How many requests are running, and the maximum so far.
#[derive(Default)]
struct Load {
    now: AtomicUsize,
    peak: AtomicUsize,
}

impl FhirServer {
    pub(crate) async fn start() -> Self {
        Self::start_with(Duration::ZERO, 0).await
    }

    /// A server with this `latency` for each answer. It delays the first `together` searches for
    /// Subscriptions until all have arrived, so that none of them sees another's write.
    pub(crate) async fn start_with(latency: Duration, together: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let url = format!("http://{}/fhir", listener.local_addr().expect("it is bound"));
        let sandbox = Sandbox::builder().base_url(&url).latency(latency).build(notify);
        let load = Arc::<Load>::default();
        let has_search = Arc::new(AtomicBool::new(true));
        let meeting = Arc::new((Barrier::new(together.max(1)), AtomicUsize::new(together)));

        let (inside, counted, searchable) = (sandbox.clone(), load.clone(), has_search.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (sandbox, load, meeting) = (inside.clone(), counted.clone(), meeting.clone());
                let has_search = searchable.clone();
                let service = service_fn(move |request: Request<Incoming>| {
                    let (sandbox, load, meeting) = (sandbox.clone(), load.clone(), meeting.clone());
                    let is_refused = is_search(&request) && !has_search.load(Ordering::SeqCst);
                    async move {
                        if is_refused {
                            let mut refusal = Response::new(Full::new(Bytes::new()));
                            *refusal.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
                            return Ok(refusal);
                        }
                        if is_search(&request) && takes_part(&meeting.1) {
                            meeting.0.wait().await;
                        }
                        let now = load.now.fetch_add(1, Ordering::SeqCst) + 1;
                        load.peak.fetch_max(now, Ordering::SeqCst);
                        let response = respond(&sandbox, request).await;
                        load.now.fetch_sub(1, Ordering::SeqCst);
                        Ok::<_, Infallible>(response)
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { sandbox, url, load, has_search }
    }

    /// From now on, it has no search of Subscriptions.
    pub(crate) fn stop_searching(&self) {
        self.has_search.store(false, Ordering::SeqCst);
    }

    /// How many requests tried to change something.
    pub(crate) fn writes(&self) -> usize {
        self.sandbox.requests().iter().filter(|(method, _)| *method != Method::GET).count()
    }

    /// The most simultaneous requests.
    pub(crate) fn peak(&self) -> usize {
        self.load.peak.load(Ordering::SeqCst)
    }

    /// The endpoints of all Subscriptions, sorted.
    pub(crate) fn endpoints(&self) -> Vec<String> {
        let subscriptions = self.sandbox.all("Subscription");
        let endpoint = |subscription: &serde_json::Value| {
            subscription["channel"]["endpoint"].as_str().map(str::to_owned)
        };
        let mut endpoints: Vec<_> = subscriptions.iter().filter_map(endpoint).collect();
        endpoints.sort();
        endpoints
    }
}

fn is_search(request: &Request<Incoming>) -> bool {
    request.method() == Method::GET && request.uri().path().ends_with("/Subscription")
}

/// Whether a request is among the first ones, which wait for each other.
fn takes_part(places: &AtomicUsize) -> bool {
    places.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

async fn respond(sandbox: &Sandbox, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    sandbox.handle(Request::from_parts(head, body)).await.map(Full::new)
}

/// Sends a notification to its endpoint.
async fn notify(request: Request<Bytes>) -> Result<StatusCode, DeliveryError> {
    let uri = request.uri();
    let address = uri.authority().map(|authority| authority.as_str().parse());
    let Some(Ok(address)) = address else { return Err(DeliveryError::new("no address of this machine")) };
    let mut sent = wire::Request::of_a_stranger(request.method().as_str(), uri.path());
    for (name, value) in request.headers() {
        sent = sent.header(name.as_str(), value.as_bytes());
    }
    let answer = sent.body(request.body()).send(address).await;
    StatusCode::from_u16(answer.status).map_err(|_| DeliveryError::new("no status"))
}
