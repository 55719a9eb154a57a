//! The Lambda: API Gateway (HTTP and REST API), Function URL and load balancer events, and those that ask for a sweep.

mod event;
mod invocations;
mod program;
mod response;
#[cfg(feature = "registration")]
mod sweep;

use std::time::{Duration, Instant, SystemTime};

use lambda_http::Context;
use lambda_http::lambda_runtime::Diagnostic;
use serde::Serialize;
#[cfg(feature = "registration")]
use serde_json::value::RawValue;

use self::event::{Event, Kind};
pub(crate) use self::invocations::{has_several_at_once, run};
pub(crate) use self::program::Program;
use self::response::LambdaResponse;
use crate::app::App;
use crate::deadline::Deadline;
use crate::request::Head;
use crate::service::{Answered, Route};

/// What is kept of an invocation's time to get the answer out.
const TO_ANSWER: Duration = Duration::from_millis(250);

/// A deadline that passed longer ago than any invocation lasts was never one.
const IMPLAUSIBLE: Duration = Duration::from_secs(60 * 60);

/// Answers one event, and writes its log lines.
async fn invoke(program: &Program, payload: &[u8], context: &Context) -> Result<Reply, Diagnostic> {
    let started = Instant::now();
    let app = program.app().await?;
    let event = Event::read(payload).ok_or_else(unknown_event)?;
    let Some(kind) = event.kind() else { return invoke_directly(app, payload, context).await };
    let deadline = app.deadline(invocation_deadline(context));
    let answered = answer(app, &event, &kind, deadline).await;
    for record in answered.records() {
        record.write(app, started.elapsed(), Some(&context.request_id));
    }
    Ok(Reply::Http(LambdaResponse::new(&event, &kind, answered.answer)))
}

/// What the function answers with.
#[derive(Serialize)]
#[serde(untagged)]
enum Reply {
    Http(LambdaResponse),
    /// To who invokes the function itself.
    #[cfg(feature = "registration")]
    Direct(Box<RawValue>),
}

/// Does what an event asks for that is no HTTP request; its time is the invocation's.
#[cfg(feature = "registration")]
async fn invoke_directly(app: &App, payload: &[u8], context: &Context) -> Result<Reply, Diagnostic> {
    let options = sweep::asked(payload).ok_or_else(unknown_event)??;
    let deadline = invocation_deadline(context).unwrap_or_else(|| app.deadline(None));
    sweep::run(app, &options, deadline, &context.request_id).await.map(Reply::Direct)
}

#[cfg(not(feature = "registration"))]
async fn invoke_directly(_app: &App, _payload: &[u8], _context: &Context) -> Result<Reply, Diagnostic> {
    Err(unknown_event())
}

async fn answer(app: &App, event: &Event<'_>, kind: &Kind<'_>, deadline: Deadline) -> Answered {
    let query = event.query();
    let head = Head { method: &kind.method, path: kind.path, query: query.as_deref(), headers: event };
    let route = match app.admit(&head) {
        Err(answered) => return answered,
        // Anyone may ask for it, so nothing of what a stranger sends is read.
        Ok(Route::Health) => return app.answer(&head, Route::Health, &[], deadline).await,
        Ok(route) => route,
    };
    let Some(body) = event.body() else { return app.broken_off() };
    if body.len() > app.settings().body_limit {
        return app.too_large();
    }
    app.answer(&head, route, &body, deadline).await
}

/// An event of another kind fails the invocation: there is no one to answer.
fn unknown_event() -> Diagnostic {
    Diagnostic {
        error_type: "UnknownEvent".into(),
        error_message:
            "the event is none of API Gateway, Function URL or load balancer, and asks for no sweep".into(),
    }
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
