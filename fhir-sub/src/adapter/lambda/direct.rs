//! Events that are not HTTP requests. Each kind has a shape of its own.
//!
//! A caller over HTTP cannot send such an event, because an HTTP body is a string within the event. IAM
//! decides who may invoke the function, or write to its queue or its bus, so these events carry no secret.

use lambda_http::Context;
use lambda_http::lambda_runtime::Diagnostic;
use serde_json::value::RawValue;

use super::shape::Shape;
#[cfg(feature = "registration")]
use super::{cloudformation, sweep};
#[cfg(feature = "events")]
use super::{event_bridge, sqs};
use crate::app::App;

/// Handles the event within the invocation's time. The answer is a JSON object.
pub(super) async fn invoke(
    app: &App,
    payload: &[u8],
    context: &Context,
) -> Result<Box<RawValue>, Diagnostic> {
    let shape: Shape<'_> = serde_json::from_slice(payload).map_err(|_| unknown(UNREADABLE))?;
    if shape.request_context.is_some() {
        return Err(unknown(NO_REQUEST));
    }
    let deadline = super::invocation_deadline(context).unwrap_or_else(|| app.deadline(None));
    #[cfg(feature = "registration")]
    if let Some(options) = sweep::asked(&shape) {
        let tenant = shape.tenant.as_deref();
        return sweep::run_each(app, tenant, &options?, deadline, &context.request_id).await;
    }
    #[cfg(feature = "registration")]
    if shape.request_type.is_some()
        && let Some(asked) = cloudformation::asked(payload)
    {
        return cloudformation::run(app, &asked, deadline).await;
    }
    #[cfg(feature = "events")]
    if let Some(records) = shape.records.and_then(sqs::records) {
        return Ok(sqs::handle(app, &records, deadline, context).await);
    }
    #[cfg(feature = "events")]
    if let (Some(detail_type), Some(detail)) = (&shape.detail_type, shape.detail) {
        return event_bridge::handle(app, detail_type, detail, deadline, context).await;
    }
    let _ = (app, deadline);
    Err(unknown(&shape.name()))
}

const UNREADABLE: &str = "it must be a JSON object, in which members such as `source` are strings";

const NO_REQUEST: &str =
    "it has `requestContext`, and is not a whole HTTP request; no WebSocket API is handled";

/// An unknown event fails the invocation, because nobody reads an answer.
fn unknown(name: &str) -> Diagnostic {
    let handled = handled();
    tracing::error!(event = name, handled, "an event of an unknown kind is refused");
    let error_message = format!("the event is of an unknown kind: {name}. The program handles {handled}");
    Diagnostic { error_type: "UnknownEvent".into(), error_message }
}

/// The kinds of events that this build handles.
fn handled() -> String {
    let mut kinds = "requests of API Gateway, of a Function URL or of a load balancer".to_owned();
    if cfg!(feature = "registration") {
        kinds += ", sweeps (a schedule, or {\"fhir-sub\":\"sweep\"}), custom resources of CloudFormation";
    }
    kinds += if cfg!(feature = "events") {
        ", messages of SQS, events of EventBridge with a `detail`"
    } else {
        ". For SQS and EventBridge, add the feature `events` of fhir-sub in Cargo.toml"
    };
    kinds
}
