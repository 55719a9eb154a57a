//! The Lambda Runtime API, as in <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>: a function
//! polls it for events, and posts its answers to it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use super::launch::Launch;
use super::within;

const API: &str = "/2018-06-01/runtime/";

/// How late an answer may be on a busy machine: a program answers 250 ms before its time is over.
const BUSY: Duration = Duration::from_secs(10);

/// The time of an invocation, unless a test sets it: API Gateway's limit.
pub(crate) const USUAL_TIME: Duration = Duration::from_secs(29);

/// The Runtime API of one function.
#[derive(Clone)]
pub(crate) struct RuntimeApi(Arc<Shared>);

struct Shared {
    address: SocketAddr,
    invocations: mpsc::UnboundedSender<Invocation>,
    queue: tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>,
    answers: Mutex<Answers>,
}

#[derive(Default)]
struct Answers {
    count: usize,
    awaited: HashMap<String, (SystemTime, oneshot::Sender<Outcome>)>,
}

struct Invocation {
    id: String,
    event: Bytes,
    deadline: SystemTime,
}

/// How an invocation ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Whether the function posted an error instead of a response.
    pub(crate) is_error: bool,
    pub(crate) body: Bytes,
    /// Whether it arrived before the deadline.
    pub(crate) is_in_time: bool,
}

impl RuntimeApi {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let (invocations, queue) = mpsc::unbounded_channel();
        let queue = tokio::sync::Mutex::new(queue);
        let api = Self(Arc::new(Shared { address, invocations, queue, answers: Mutex::default() }));
        tokio::spawn(api.clone().serve(listener));
        api
    }

    /// `launch` with Lambda's environment of a function.
    pub(crate) fn environment(&self, launch: Launch) -> Launch {
        launch
            .set("AWS_LAMBDA_RUNTIME_API", self.0.address.to_string())
            .set("AWS_LAMBDA_FUNCTION_NAME", "hooks")
            .set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .set("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .set("AWS_REGION", "eu-central-1")
    }

    /// Sends the function an event, and waits for its answer.
    pub(crate) async fn invoke(&self, event: impl Into<Bytes>, time: Duration) -> Outcome {
        let (sender, answer) = oneshot::channel();
        let deadline = SystemTime::now() + time;
        let id = {
            let mut answers = self.0.answers.lock().expect("no test panics in here");
            answers.count += 1;
            let id = format!("8476a536-e9f4-11e8-9739-{:012}", answers.count);
            answers.awaited.insert(id.clone(), (deadline, sender));
            id
        };
        let invocation = Invocation { id, event: event.into(), deadline };
        self.0.invocations.send(invocation).expect("the queue is here");
        within("the answer of a Lambda", answer).await.expect("the API is here")
    }

    async fn serve(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let api = self.clone();
            let service = service_fn(move |request| api.clone().respond(request));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    }

    async fn respond(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let path = head.uri.path().strip_prefix(API).unwrap_or_default();
        let segments: Vec<_> = path.split('/').collect();
        let response = match (head.method, segments.as_slice()) {
            (Method::GET, ["invocation", "next"]) => self.next().await,
            (Method::POST, ["invocation", id, "response"]) => self.end(id, false, body),
            (Method::POST, ["invocation", id, "error"]) => self.end(id, true, body),
            _ => status(StatusCode::NOT_FOUND),
        };
        Ok(response)
    }

    /// Waits for an event, however long that takes.
    async fn next(&self) -> Response<Full<Bytes>> {
        let invocation = self.0.queue.lock().await.recv().await.expect("the sender is here");
        let deadline = invocation.deadline.duration_since(UNIX_EPOCH).expect("it is past 1970");
        Response::builder()
            .header("content-type", "application/json")
            .header("lambda-runtime-aws-request-id", invocation.id)
            .header("lambda-runtime-deadline-ms", deadline.as_millis().to_string())
            .header(
                "lambda-runtime-invoked-function-arn",
                "arn:aws:lambda:eu-central-1:123456789012:function:hooks",
            )
            .header("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0")
            .body(Full::from(invocation.event))
            .expect("the headers are well-formed")
    }

    /// Passes the function's answer to the test that invoked it.
    fn end(&self, id: &str, is_error: bool, body: Bytes) -> Response<Full<Bytes>> {
        let awaited = self.0.answers.lock().expect("no test panics in here").awaited.remove(id);
        let Some((deadline, sender)) = awaited else { return status(StatusCode::BAD_REQUEST) };
        // A test that no longer waits has already failed.
        let _ = sender.send(Outcome { is_error, body, is_in_time: SystemTime::now() < deadline + BUSY });
        status(StatusCode::ACCEPTED)
    }
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
