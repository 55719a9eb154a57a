//! The Lambda: API Gateway (HTTP and REST API), Function URL and load balancer events.

mod event;
mod response;

use std::borrow::Cow;
use std::time::{Duration, Instant, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_http::lambda_runtime::{Diagnostic, Runtime};
use lambda_http::{Context, LambdaEvent, service_fn};
use serde_json::value::RawValue;

use self::event::{Event, Kind};
use self::response::LambdaResponse;
use crate::app::App;
use crate::deadline::Deadline;
use crate::service::{Answered, Head};

/// What is kept of an invocation's time to get the answer out.
const TO_ANSWER: Duration = Duration::from_millis(250);

/// A deadline that passed longer ago than any invocation lasts was never one.
const IMPLAUSIBLE: Duration = Duration::from_secs(60 * 60);

/// Handles events until the runtime ends the process.
pub(crate) async fn run(app: App) -> Result<(), lambda_http::Error> {
    Runtime::new(service_fn(|event: LambdaEvent<Box<RawValue>>| invoke(app.clone(), event))).run().await
}

/// Answers one event, and writes its log lines.
async fn invoke(app: App, event: LambdaEvent<Box<RawValue>>) -> Result<LambdaResponse, Diagnostic> {
    let started = Instant::now();
    let LambdaEvent { payload, context } = event;
    let event: Event<'_> = serde_json::from_str(payload.get()).map_err(|_| unknown_event())?;
    let kind = event.kind().ok_or_else(unknown_event)?;
    let deadline = app.deadline(invocation_deadline(&context));

    let answered = answer(&app, &event, &kind, deadline).await;
    for record in answered.records() {
        record.write(app.settings().log, started.elapsed(), Some(&context.request_id));
    }
    Ok(LambdaResponse::new(&event, &kind, answered.answer))
}

async fn answer(app: &App, event: &Event<'_>, kind: &Kind<'_>, deadline: Deadline) -> Answered {
    let query = event.query();
    let head = Head { method: &kind.method, path: kind.path, query: query.as_deref(), headers: event };
    let route = match app.admit(&head) {
        Ok(route) => route,
        Err(answered) => return answered,
    };
    let body = match event.body() {
        text if event.is_base64_encoded() => match STANDARD.decode(text) {
            Ok(bytes) => Cow::Owned(bytes),
            Err(_) => return app.broken_off(),
        },
        text => Cow::Borrowed(text.as_bytes()),
    };
    if body.len() > app.settings().body_limit {
        return app.too_large();
    }
    app.answer(&head, route, &body, deadline).await
}

/// An event of another kind fails the invocation: there is no one to answer.
fn unknown_event() -> Diagnostic {
    Diagnostic {
        error_type: "UnknownEvent".into(),
        error_message: "the event is none of API Gateway, Function URL or load balancer".into(),
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
