//! Events that ask for a sweep: those of EventBridge Scheduler and of a scheduled rule of EventBridge, and an invocation of
//! the function itself.
//!
//! Neither carries a secret: IAM lets in who may invoke the function, and no one else.

use lambda_http::lambda_runtime::Diagnostic;
use serde_json::value::RawValue;

use super::direct::Shape;
use crate::app::App;
use crate::deadline::Deadline;
use crate::fhir::Instant;
use crate::sweep::{SweepOptions, refusal, sweep};

/// What the event asks for; `None` where it asks for no sweep.
///
/// It does as `{"source":"aws.events","detail-type":"Scheduled Event",…}`
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html>), which a Scheduler without an
/// input of its own sends as `aws.scheduler`; or as
/// `{"fhir-sub":"sweep","since":"2026-01-31T12:00:00Z","endpoint":"arrived-appointments"}`, the last two if wanted.
pub(super) fn asked(asked: &Shape<'_>) -> Option<Result<SweepOptions, Diagnostic>> {
    // Only AWS itself can send events of these sources.
    let is_clock = matches!(asked.source.as_deref(), Some("aws.events" | "aws.scheduler"));
    if is_clock && asked.detail_type.as_deref() == Some("Scheduled Event") {
        return Some(Ok(SweepOptions::default()));
    }
    if asked.fhir_sub.as_deref() != Some("sweep") {
        return None;
    }
    let since = match asked.since.as_deref().map(Instant::parse) {
        Some(None) => return Some(Err(fails("`since` is not a FHIR instant, such as 2026-01-31T12:00:00Z"))),
        Some(since) => since,
        None => None,
    };
    Some(Ok(SweepOptions { since, endpoint: asked.endpoint.as_deref().map(str::to_owned) }))
}

/// Sweeps, and answers with the report. The invocation fails only where nothing could be swept: Lambda would try it again at
/// once, and what failed is for the next one.
pub(super) async fn run(
    app: &App,
    options: &SweepOptions,
    deadline: Deadline,
    request_id: &str,
) -> Result<Box<RawValue>, Diagnostic> {
    if let Some(refusal) = refusal(app) {
        return Err(fails(refusal));
    }
    if !options.is_of(app.registry()) {
        return Err(fails("no subscription has this `endpoint`"));
    }
    let report = sweep(app, options, deadline, Some(request_id)).await;
    if report.is_void() {
        return Err(fails("nothing could be swept: see the program's log"));
    }
    RawValue::from_string(report.to_json()).map_err(|_| fails("the report could not be written"))
}

fn fails(message: &str) -> Diagnostic {
    tracing::error!(reason = message, "sweep failed");
    Diagnostic { error_type: "SweepFailed".into(), error_message: message.to_owned() }
}
