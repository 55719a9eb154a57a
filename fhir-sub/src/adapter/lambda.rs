//! The Lambda function. It takes events from API Gateway (HTTP and REST API), Function URLs, load balancers, SQS,
//! EventBridge and CloudFormation, and events that ask for a sweep.

#[cfg(feature = "registration")]
mod cloudformation;
mod direct;
#[cfg(feature = "registration")]
mod ending;
mod event;
#[cfg(feature = "events")]
mod event_bridge;
mod invocations;
mod program;
mod response;
mod shape;
#[cfg(feature = "events")]
mod sns;
#[cfg(feature = "events")]
mod sqs;
#[cfg(feature = "registration")]
mod sweep;
#[cfg(feature = "events")]
mod unwrapped;

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
use self::program::CannotStart;
pub(crate) use self::program::Program;
use self::response::LambdaResponse;
use crate::app::App;
use crate::deadline::Deadline;
use crate::request::Head;
use crate::service::{Answered, Host, Route};

/// The time of an invocation that is reserved for sending the answer.
const TO_ANSWER: Duration = Duration::from_millis(250);

/// If a deadline passed longer ago than any invocation lasts, it is not a real one.
const IMPLAUSIBLE: Duration = Duration::from_secs(60 * 60);

/// Handles one event, and writes its log lines.
async fn invoke(program: &Program, payload: &[u8], context: &Context) -> Result<Reply, Diagnostic> {
    let started = Instant::now();
    let app = match program.app().await {
        Ok(app) => app,
        Err(problems) => return Err(Box::pin(cannot_start(program, payload, &problems)).await),
    };
    let event = Event::read(payload);
    let http = event.as_ref().and_then(|event| Some((event, event.kind()?)));
    let Some((event, kind)) = http else {
        return Box::pin(direct::invoke(app, payload, context)).await.map(Reply::Direct);
    };
    let app = app.serving(kind.path);
    let deadline = app.deadline(invocation_deadline(context));
    let asked = Asked { app, event, kind: &kind, deadline, context };
    let answered = answer(&asked).await;
    answered.write(asked.app, started.elapsed(), Some(&asked.context.request_id));
    Ok(Reply::Http(LambdaResponse::new(asked.event, asked.kind, answered.answer)))
}

/// Fails the invocation, so that its caller sends the event again. A stack gets the reason, because it would wait for
/// an hour.
async fn cannot_start(program: &Program, payload: &[u8], problems: &CannotStart) -> Diagnostic {
    #[cfg(feature = "registration")]
    program.ending.tell(payload, &problems.0).await;
    #[cfg(not(feature = "registration"))]
    let _ = (program, payload, problems);
    Diagnostic {
        error_type: "CannotStart".into(),
        error_message: "the program cannot start: see its log".into(),
    }
}

/// The answer to `event`, for a test.
#[cfg(test)]
pub(crate) async fn reply_to(app: &App, event: &serde_json::Value) -> Option<serde_json::Value> {
    reply_within(app, event, None).await
}

/// The same, in an invocation with a trace.
#[cfg(test)]
pub(crate) async fn reply_within(
    app: &App,
    event: &serde_json::Value,
    trace: Option<&str>,
) -> Option<serde_json::Value> {
    let program = app.clone().into();
    let mut context = Context::default();
    context.xray_trace_id = trace.map(str::to_owned);
    let reply = invoke(&program, event.to_string().as_bytes(), &context).await.ok()?;
    serde_json::to_value(reply).ok()
}

/// The function's answer.
#[derive(Serialize)]
#[serde(untagged)]
enum Reply {
    Http(LambdaResponse),
    /// The answer to any other event.
    Direct(Box<RawValue>),
}

/// An HTTP request, with everything that its answer depends on.
///
/// [`answer`] borrows it as a whole, because an async function stores each argument twice.
struct Asked<'a> {
    app: &'a App,
    event: &'a Event<'a>,
    kind: &'a Kind<'a>,
    deadline: Deadline,
    context: &'a Context,
}

async fn answer(asked: &Asked<'_>) -> Answered {
    let query = asked.event.query();
    let Kind { method, path, .. } = asked.kind;
    let head = Head { method, path, query: query.as_deref(), headers: asked.event };
    let route = match asked.app.admit(&head, asked.deadline).await {
        Err(answered) => return answered,
        Ok(route) => route,
    };
    let body = match route {
        // Anyone may ask for these, so the body of a stranger is not read.
        Route::Health | Route::Ready => Some(Cow::Borrowed(&[][..])),
        _ => asked.event.body(),
    };
    let Some(body) = body else { return asked.app.broken_off() };
    if body.len() > asked.app.settings().body_limit {
        return asked.app.too_large();
    }
    let host = Host::Invocation(asked.context.xray_trace_id.as_deref());
    asked.app.answer_from(host, &head, route, &body, asked.deadline).await
}

/// When the invocation ends, by tokio's clock. `None` if the runtime does not say.
fn invocation_deadline(context: &Context) -> Option<Deadline> {
    until(context.deadline)
}

/// The same, from milliseconds since 1970.
fn until(milliseconds: u64) -> Option<Deadline> {
    let ends = SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds);
    match ends.duration_since(SystemTime::now()) {
        Ok(left) => Some(Deadline::after(left.saturating_sub(TO_ANSWER))),
        // `cargo lambda watch` always gives the same moment of 1970.
        Err(passed) if passed.duration() > IMPLAUSIBLE => None,
        Err(_) => Some(Deadline::after(Duration::ZERO)),
    }
}

#[cfg(test)]
mod tests;
