//! A scripted transport, and a server on a free port.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::transport::{Limits, Transport, TransportError, TransportErrorKind};
use crate::{Authorization, ClientConfig, FhirClient};

pub(super) const BASE: &str = "https://fhir.example.org/r4";

/// How the scripted transport treats a request.
pub(super) enum Reply {
    Answer(Response<Bytes>),
    Fail(TransportErrorKind),
    Never,
}

/// Gives its replies in order, and keeps the requests. A request after the last reply fails the test.
#[derive(Default)]
pub(super) struct Script {
    replies: Mutex<VecDeque<Reply>>,
    seen: Mutex<Vec<Request<Bytes>>>,
}

impl Script {
    pub(super) fn new(replies: impl IntoIterator<Item = Reply>) -> Arc<Self> {
        let replies = Mutex::new(replies.into_iter().collect());
        Arc::new(Self { replies, seen: Mutex::default() })
    }

    pub(super) fn client(self: &Arc<Self>) -> FhirClient {
        self.client_with(Authorization::None)
    }

    pub(super) fn client_with(self: &Arc<Self>, authorization: Authorization) -> FhirClient {
        let config = ClientConfig::new(BASE.parse().unwrap()).authorization(authorization);
        FhirClient::with_transport(config, self.clone()).unwrap()
    }

    /// The requests so far, as `GET /path?query`.
    pub(super) fn lines(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .map(|request| format!("{} {}", request.method(), request.uri().path_and_query().unwrap()))
            .collect()
    }

    pub(super) fn sent(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    pub(super) fn header(&self, request: usize, name: &str) -> Option<String> {
        let seen = self.seen.lock().unwrap();
        seen[request].headers().get(name).map(|value| value.to_str().unwrap().to_owned())
    }

    pub(super) fn body(&self, request: usize) -> String {
        String::from_utf8(self.seen.lock().unwrap()[request].body().to_vec()).unwrap()
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.replies.lock().unwrap().is_empty()
    }
}

impl Transport for Script {
    fn send<'a>(
        &'a self,
        request: Request<Bytes>,
        _limits: Limits,
    ) -> BoxFuture<'a, Result<Response<Bytes>, TransportError>> {
        let line = format!("{} {}", request.method(), request.uri());
        self.seen.lock().unwrap().push(request);
        let reply = self.replies.lock().unwrap().pop_front();
        Box::pin(async move {
            match reply.unwrap_or_else(|| panic!("one request too many: {line}")) {
                Reply::Answer(answer) => Ok(answer),
                Reply::Fail(kind) => Err(TransportError::new(kind)),
                Reply::Never => std::future::pending().await,
            }
        })
    }
}

/// An answer with this status, headers and body.
pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Reply {
    Reply::Answer(response(status, headers, body))
}

/// An answer with status 200 and a JSON body.
pub(super) fn json(body: &Value) -> Reply {
    answer(200, &[], body.to_string())
}

pub(super) fn response(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Response<Bytes> {
    let mut builder = Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(body.into()).unwrap()
}

/// A server on loopback; it stops with the test's runtime.
pub(super) struct Server {
    pub(super) base: String,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers each request, after its body was read, by a function.
    pub(super) async fn start<F, A>(answer: F) -> Self
    where
        F: Fn(Request<Bytes>) -> A + Clone + Send + 'static,
        A: Future<Output = Response<Bytes>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/fhir", listener.local_addr().unwrap());
        let lines = Arc::new(Mutex::new(Vec::new()));
        let log = lines.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, log) = (answer.clone(), log.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let (answer, log) = (answer.clone(), log.clone());
                    async move {
                        log.lock().unwrap().push(format!("{} {}", request.method(), request.uri()));
                        let (parts, body) = request.into_parts();
                        let body =
                            body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
                        Ok::<_, Infallible>(answer(Request::from_parts(parts, body)).await.map(Full::new))
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { base, lines }
    }

    pub(super) fn config(&self) -> ClientConfig {
        ClientConfig::new(self.base.parse().unwrap())
    }

    pub(super) fn client(&self) -> FhirClient {
        FhirClient::new(self.config()).unwrap()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}
