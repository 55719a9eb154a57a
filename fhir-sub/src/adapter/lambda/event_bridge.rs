//! EventBridge: an event that matched a rule, or the output of a rule's input transformer.
//!
//! In one form, `detail` is a notification, and `detail-type` is the endpoint, or else the notification's
//! topic decides. In the other forms, `detail` is `{"endpoint": …, "notification": …}`, or it names a resource
//! that the program reads: `{"endpoint": …, "reference": "Encounter/1"}`. Lambda ignores the answer, and
//! retries a failed invocation twice:
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>.

use std::borrow::Cow;
use std::time::Instant;

use lambda_http::Context;
use lambda_http::lambda_runtime::Diagnostic;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::unwrapped::{Trace, Unwrapped};
use crate::app::{App, Parent, SpanKind};
use crate::deadline::Deadline;
use crate::delivery::Time;
use crate::json::Text;
use crate::service::within;

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
    tenant: Option<Text<'a>>,
    #[serde(borrow)]
    endpoint: Text<'a>,
    #[serde(borrow)]
    notification: Option<&'a RawValue>,
    /// The name of the resource, if there is no notification.
    #[serde(borrow)]
    reference: Option<&'a RawValue>,
}

/// The notification in a bus's event that arrived through a queue; `None` if the body is not such an event.
pub(super) fn unwrap(body: &str) -> Option<Unwrapped> {
    let Envelope { detail_type, detail } = serde_json::from_str(body).ok()?;
    Some(told(&detail_type, detail))
}

fn told(detail_type: &str, detail: &RawValue) -> Unwrapped {
    let detail = text(detail.get());
    let came_by = vec![detail_type.to_owned()];
    match serde_json::from_str::<Named<'_>>(&detail) {
        Ok(Named { tenant, endpoint, notification, reference }) if notification.or(reference).is_some() => {
            let owned = |json: &RawValue| text(json.get()).into_owned();
            Unwrapped {
                tenant: tenant.map(|tenant| tenant.to_string()),
                endpoint: Some(endpoint.to_string()),
                came_by,
                body: notification.map(owned).unwrap_or_default(),
                reference: reference.filter(|_| notification.is_none()).map(owned),
                trace: Trace::default(),
                is_own: false,
            }
        }
        _ => Unwrapped {
            tenant: None,
            endpoint: None,
            came_by,
            body: detail.into_owned(),
            reference: None,
            trace: Trace::default(),
            is_own: false,
        },
    }
}

/// JSON that an input transformer may have put between quotes.
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
    context: &Context,
) -> Result<Box<RawValue>, Diagnostic> {
    let started = Instant::now();
    let told = told(detail_type, detail);
    let routed = told.message().route(app);
    let app = routed.map_or(app, |(app, _)| app);
    let answered = match routed {
        Ok((_, declaration)) => {
            let trace = || Parent::Caller(told.trace(context.xray_trace_id.as_deref()));
            let span = app.span(SpanKind::Consumer, declaration.endpoint, trace);
            within(span, told.notify(app, declaration, Time::until(deadline))).await
        }
        Err(reason) => app.unrouted(reason),
    };
    answered.write(app, started.elapsed(), Some(&context.request_id));
    if answered.is_done {
        return Ok(RawValue::NULL.to_owned());
    }
    let error_message = "the event was not handled: see the program's log".into();
    Err(Diagnostic { error_type: "EventNotHandled".into(), error_message })
}

#[cfg(test)]
mod tests;
