//! [`App`] as a [`tower_service::Service`], for a router of the user's.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use tower_service::Service;
use tracing::Instrument;

use crate::app::{App, Taken};
use crate::deadline::Deadline;
use crate::request::Head;
use crate::service::{Answered, Host, Route};

/// How long the body of a stranger may take to arrive.
const UNPROVEN: Duration = Duration::from_secs(10);

/// The body of an answer: complete, and often empty.
#[derive(Clone, Debug, Default)]
pub struct ResponseBody(Full<Bytes>);

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.0).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl<T: Into<Bytes>> From<T> for ResponseBody {
    fn from(body: T) -> Self {
        Self(Full::new(body.into()))
    }
}

impl<B> Service<Request<B>> for App
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // A task of its own: if the caller hangs up, a host drops this future, which would stop the handler
        // half-way, without a log line.
        let answer = answer(self.clone(), request, Host::Router).in_current_span();
        let answer = tokio::spawn(answer);
        Box::pin(async move {
            Ok(answer.await.unwrap_or_else(|error| match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => unreachable!("the task is aborted by no one, or the runtime is at its end"),
            }))
        })
    }
}

/// Answers one request in the caller's task, like [`App`]'s service, and writes its log lines.
pub(crate) async fn answer<B>(app: App, request: Request<B>, host: Host<'_>) -> Response<ResponseBody>
where
    B: Body + Send,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let app = app.serving(parts.uri.path());
    let (answered, _body) = answered(app, &parts, body, host).await;
    respond(app, answered, &parts.headers, started.elapsed())
}

/// The answer to a request, and the body that was read of it.
pub(crate) async fn answered<B>(app: &App, parts: &Parts, body: B, host: Host<'_>) -> (Answered, Bytes)
where
    B: Body + Send,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let deadline = app.deadline(None);
    let head = Head {
        method: &parts.method,
        path: parts.uri.path(),
        query: parts.uri.query(),
        headers: &parts.headers,
    };
    let route = match app.admit(&head, deadline).await {
        Err(answered) => return (answered, Bytes::new()),
        // Anyone may ask for these, so the body of a stranger is not read.
        Ok(route @ (Route::Health | Route::Ready)) => {
            return (app.answer(&head, route, &[], deadline).await, Bytes::new());
        }
        Ok(route) => route,
    };
    // A caller that sends its body very slowly runs out of time. A stranger gets less time.
    let is_unproven = route.is_of_unproven();
    let end = if is_unproven { deadline.min(Deadline::after(UNPROVEN)) } else { deadline };
    match tokio::time::timeout_at(end.instant(), read(app, body, is_unproven)).await {
        // The memory of the body is free again once the request is answered.
        Ok(Ok((body, _memory))) => (app.answer_from(host, &head, route, &body, deadline).await, body),
        Ok(Err(answered)) => (answered, Bytes::new()),
        Err(_elapsed) => (app.late(), Bytes::new()),
    }
}

/// Writes the log lines of an answer, and gives its response.
pub(crate) fn respond(
    app: &App,
    answered: Answered,
    headers: &HeaderMap,
    elapsed: Duration,
) -> Response<ResponseBody> {
    let request_id =
        headers.get("x-request-id").and_then(|id| id.to_str().ok()).filter(|id| crate::fhir::is_id(id));
    answered.write(app, elapsed, request_id);
    #[cfg(feature = "local")]
    if let Some(counters) = app.counters() {
        counters.took(answered.record.of_handler(app), elapsed);
    }
    let answer = answered.answer;
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers() {
        response = response.header(name, value);
    }
    response.body(answer.body.into()).expect("our own headers are well-formed")
}

/// The whole body, up to the app's limit, and its part of the memory for all bodies.
async fn read<B>(app: &App, body: B, is_unproven: bool) -> Result<(Bytes, Taken), Answered>
where
    B: Body + Send,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let limit = app.settings().body_limit;
    // A body without a stated length may be as long as the limit allows.
    let length = body.size_hint().upper().and_then(|length| usize::try_from(length).ok());
    if length.is_some_and(|length| length > limit) {
        return Err(app.too_large());
    }
    let memory = app.bodies().take(length.unwrap_or(limit), is_unproven);
    let mut memory = memory.ok_or_else(|| app.busy())?;
    match Limited::new(body, limit).collect().await {
        Ok(collected) => {
            let body = collected.to_bytes();
            memory.shrink(body.len());
            Ok((body, memory))
        }
        Err(error) if error.is::<LengthLimitError>() => Err(app.too_large()),
        Err(_) => Err(app.broken_off()),
    }
}
