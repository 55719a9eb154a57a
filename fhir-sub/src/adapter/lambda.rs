//! The Lambda: API Gateway (HTTP and REST API), Function URL and load balancer events; those of SQS and EventBridge; and
//! those that ask for a sweep.

#[cfg(feature = "registration")]
mod cloudformation;
mod direct;
#[cfg(feature = "registration")]
mod ending;
mod event;
#[cfg(feature = "events")]
mod event_bridge;
mod invocations;
#[cfg(all(test, feature = "testing", feature = "events"))]
mod kit;
mod program;
mod response;
#[cfg(feature = "events")]
mod sns;
#[cfg(feature = "events")]
mod sqs;
#[cfg(feature = "registration")]
mod sweep;
#[cfg(feature = "events")]
mod told;

use std::borrow::Cow;
use std::time::{Duration, Instant, SystemTime};

use lambda_http::Context;
use lambda_http::lambda_runtime::Diagnostic;
use serde::Serialize;
use serde_json::value::RawValue;

#[cfg(feature = "registration")]
pub(crate) use self::ending::tell_a_stack;
use self::event::{Event, Kind};
pub(crate) use self::invocations::{has_several_at_once, run};
pub(crate) use self::program::Program;
use self::response::LambdaResponse;
use crate::app::App;
use crate::deadline::Deadline;
use crate::request::Head;
use crate::service::{Answered, Route};

/// The reserve of an invocation's time for sending the answer.
const TO_ANSWER: Duration = Duration::from_millis(250);

/// A deadline that passed longer ago than any invocation lasts was never one.
const IMPLAUSIBLE: Duration = Duration::from_secs(60 * 60);

/// Answers one event, and writes its log lines.
async fn invoke(program: &Program, payload: &[u8], context: &Context) -> Result<Reply, Diagnostic> {
    let started = Instant::now();
    let app = program.app().await?;
    let event = Event::read(payload);
    let http = event.as_ref().and_then(|event| Some((event, event.kind()?)));
    let Some((event, kind)) = http else {
        return Box::pin(direct::invoke(app, payload, context)).await.map(Reply::Direct);
    };
    let deadline = app.deadline(invocation_deadline(context));
    let answered = answer(app, event, &kind, deadline).await;
    for record in answered.records() {
        record.write(app, started.elapsed(), Some(&context.request_id));
    }
    Ok(Reply::Http(LambdaResponse::new(event, &kind, answered.answer)))
}

/// The function's answer.
#[derive(Serialize)]
#[serde(untagged)]
enum Reply {
    Http(LambdaResponse),
    /// To who hands over another event.
    Direct(Box<RawValue>),
}

async fn answer(app: &App, event: &Event<'_>, kind: &Kind<'_>, deadline: Deadline) -> Answered {
    let query = event.query();
    let head = Head { method: &kind.method, path: kind.path, query: query.as_deref(), headers: event };
    let route = match app.admit(&head, deadline).await {
        Err(answered) => return answered,
        Ok(route) => route,
    };
    let body = match route {
        // Anyone may ask for it, so nothing of what a stranger sends is read.
        Route::Health => Some(Cow::Borrowed(&[][..])),
        _ => event.body(),
    };
    let Some(body) = body else { return app.broken_off() };
    if body.len() > app.settings().body_limit {
        return app.too_large();
    }
    app.answer(&head, route, &body, deadline).await
}

/// When the invocation ends, on the clock that tokio's timers go by; `None` where no one says.
fn invocation_deadline(context: &Context) -> Option<Deadline> {
    match context.deadline().duration_since(SystemTime::now()) {
        Ok(left) => Some(Deadline::after(left.saturating_sub(TO_ANSWER))),
        // `cargo lambda watch` says the same moment of 1970 each time.
        Err(passed) if passed.duration() > IMPLAUSIBLE => None,
        Err(_) => Some(Deadline::after(Duration::ZERO)),
    }
}

#[cfg(test)]
mod tests;
