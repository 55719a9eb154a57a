//! [`App`] as a [`tower_service::Service`], for a router of the user's.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use tower_service::Service;

use crate::app::App;
use crate::request::Head;
use crate::service::{Answered, Route};

/// The body of an answer: whole, and often empty.
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
        // A task of its own: a host drops this future when its caller hangs up, which would end the handler half-way
        // and leave no line in the log.
        let answer = tokio::spawn(answer(self.clone(), request));
        Box::pin(async move {
            Ok(answer.await.unwrap_or_else(|error| match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => unreachable!("the task is aborted by no one, or the runtime is at its end"),
            }))
        })
    }
}

/// Answers one request, as [`App`]'s service does, in the caller's task, and writes its log lines.
pub(crate) async fn answer<B>(app: App, request: Request<B>) -> Response<ResponseBody>
where
    B: Body + Send,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let started = Instant::now();
    let deadline = app.deadline(None);
    let (parts, body) = request.into_parts();
    let head = Head {
        method: &parts.method,
        path: parts.uri.path(),
        query: parts.uri.query(),
        headers: &parts.headers,
    };
    let answered = match app.admit(&head, deadline).await {
        Err(answered) => answered,
        // Anyone may ask for it, so nothing of what a stranger sends is kept.
        Ok(Route::Health) => app.answer(&head, Route::Health, &[], deadline).await,
        // A caller that sends its body a byte a minute is not waited for.
        Ok(route) => match tokio::time::timeout_at(deadline.instant(), read(&app, body)).await {
            Ok(Ok(body)) => app.answer(&head, route, &body, deadline).await,
            Ok(Err(answered)) => answered,
            Err(_elapsed) => app.late(),
        },
    };
    let request_id =
        parts.headers.get("x-request-id").and_then(|id| id.to_str().ok()).filter(|id| crate::fhir::is_id(id));
    for record in answered.records() {
        record.write(&app, started.elapsed(), request_id);
    }

    let answer = answered.answer;
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers() {
        response = response.header(name, value);
    }
    response.body(answer.body.into()).expect("our own headers are well-formed")
}

/// The whole body, no larger than the app takes.
async fn read<B>(app: &App, body: B) -> Result<Bytes, Answered>
where
    B: Body + Send,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match Limited::new(body, app.settings().body_limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(app.too_large()),
        Err(_) => Err(app.broken_off()),
    }
}
