//! [`Proxy`]: stands before the server, records the requests, and may delay them.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::HOST;
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

/// Runs before a request with this method is passed on, and delays it.
pub type Before = Box<dyn Fn(&Method) -> BoxFuture<'static, ()> + Send + Sync>;

/// A reverse proxy, which replaces the server's name by its own, as proxies do.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    server: u16,
    before: Before,
    passed: Mutex<Vec<Passed>>,
}

/// A request that was passed on, and the server's answer to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Passed {
    pub method: Method,
    pub path_and_query: String,
    pub status: u16,
}

impl Proxy {
    /// Starts a proxy that only records, before the server on a port.
    pub async fn start(server: u16) -> Self {
        Self::start_with(server, Box::new(|_| async {}.boxed())).await
    }

    /// Starts a proxy before the server on a port.
    pub async fn start_with(server: u16, before: Before) -> Self {
        let shared = Arc::new(Shared { server, before, passed: Mutex::default() });
        let passing = Arc::clone(&shared);
        let port = listen(move |request| pass(Arc::clone(&passing), request)).await;
        Self { port, shared }
    }

    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/fhir", self.port)
    }

    /// The requests so far.
    pub fn passed(&self) -> Vec<Passed> {
        self.shared.passed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Answers requests on a free port, and returns the port.
pub async fn listen<F, E>(answer: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static) -> u16
where
    F: Future<Output = Result<Response<Full<Bytes>>, E>> + Send + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
{
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let port = listener.local_addr().expect("a bound port").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let connection = hyper::server::conn::http1::Builder::new();
            let connection = connection.serve_connection(TokioIo::new(stream), service_fn(answer.clone()));
            tokio::spawn(async move { drop(connection.await) });
        }
    });
    port
}

async fn pass(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (mut head, body) = request.into_parts();
    let body = body.collect().await.expect("a whole request").to_bytes();
    (shared.before)(&head.method).await;
    let host = format!("127.0.0.1:{}", shared.server);
    head.headers.insert(HOST, HeaderValue::try_from(host).expect("a host and a port"));
    let (method, path_and_query) = (head.method.clone(), head.uri.to_string());
    let response = send(shared.server, Request::from_parts(head, Full::new(body)))
        .await
        .expect("an answer of the server");
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a whole answer").to_bytes();
    let passed = Passed { method, path_and_query, status: head.status.as_u16() };
    shared.passed.lock().unwrap_or_else(PoisonError::into_inner).push(passed);
    Ok(Response::from_parts(head, Full::new(body)))
}

/// Sends one request to a port of this machine, over a new connection.
///
/// # Errors
///
/// If nobody answers there.
pub async fn send(port: u16, request: Request<Full<Bytes>>) -> std::io::Result<Response<Incoming>> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let connection = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = connection.map_err(std::io::Error::other)?;
    tokio::spawn(async move { drop(connection.await) });
    sender.send_request(request).await.map_err(std::io::Error::other)
}
