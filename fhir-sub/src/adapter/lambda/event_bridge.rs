//! EventBridge: an event that a rule has matched, or that a rule's input transformer has made.
//!
//! `detail` is a notification, and `detail-type` the endpoint, else the notification's topic decides; or `detail` is
//! `{"endpoint": …, "notification": …}`. Lambda ignores the answer, and tries an invocation that fails twice more:
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>.

use std::borrow::Cow;
use std::time::Instant;

use lambda_http::lambda_runtime::Diagnostic;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::told::Told;
use crate::app::App;
use crate::deadline::Deadline;
use crate::delivery::Time;
use crate::json::Text;

/// An event of a bus.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "detail-type")]
    detail_type: Text<'a>,
    #[serde(borrow)]
    detail: &'a RawValue,
}

/// A detail that names its endpoint.
#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    endpoint: Text<'a>,
    #[serde(borrow)]
    notification: &'a RawValue,
}

/// What an event of a bus tells that has come by a queue; `None` where the body is none.
pub(super) fn unwrap(body: &str) -> Option<Told> {
    let Envelope { detail_type, detail } = serde_json::from_str(body).ok()?;
    Some(told(&detail_type, detail))
}

fn told(detail_type: &str, detail: &RawValue) -> Told {
    let detail = text(detail.get());
    let came_by = vec![detail_type.to_owned()];
    match serde_json::from_str::<Named<'_>>(&detail) {
        Ok(Named { endpoint, notification }) => Told {
            endpoint: Some(endpoint.to_string()),
            came_by,
            body: text(notification.get()).into_owned(),
        },
        Err(_) => Told { endpoint: None, came_by, body: detail.into_owned() },
    }
}

/// JSON that an input transformer has put between quotes.
fn text(json: &str) -> Cow<'_, str> {
    let quoted = json.starts_with('"').then(|| serde_json::from_str(json).ok()).flatten();
    quoted.map_or(Cow::Borrowed(json), Cow::Owned)
}

/// Handles an event.
pub(super) async fn handle(
    app: &App,
    detail_type: &str,
    detail: &RawValue,
    deadline: Deadline,
    request_id: &str,
) -> Result<Box<RawValue>, Diagnostic> {
    let started = Instant::now();
    let told = told(detail_type, detail);
    let answered = match told.message().route(app) {
        Ok(declaration) => app.notified_of(declaration, &told.body, None, Time::until(deadline)).await,
        Err(reason) => app.unrouted(reason),
    };
    for record in answered.records() {
        record.write(app, started.elapsed(), Some(request_id));
    }
    if answered.is_done {
        return Ok(RawValue::NULL.to_owned());
    }
    let error_message = "the event was not handled: see the program's log".into();
    Err(Diagnostic { error_type: "EventNotHandled".into(), error_message })
}

#[cfg(test)]
mod tests;
