//! Events that ask for a sweep: from EventBridge Scheduler, from a scheduled rule of EventBridge, or from a
//! direct invocation of the function.
//!
//! They carry no secret: IAM decides who may invoke the function.

use std::collections::BTreeMap;

use lambda_http::lambda_runtime::Diagnostic;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use super::shape::Shape;
use crate::app::App;
use crate::deadline::Deadline;
use crate::fhir::Instant;
use crate::sweep::{SweepOptions, refusal, sweep};

/// The options of the sweep; `None` if the event does not ask for a sweep. Two forms of events ask for a
/// sweep:
///
/// - `{"source":"aws.events","detail-type":"Scheduled Event",…}`
///   (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html>). A Scheduler without an input of
///   its own sends the same with the source `aws.scheduler`.
/// - `{"fhir-sub":"sweep","since":"2026-01-31T12:00:00Z","endpoint":"arrived-appointments","tenant":"north"}`, where all
///   members but the first are optional.
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

/// Sweeps the subscriptions of each tenant, or of the named one. Each tenant gets an equal share of the
/// remaining time. The answer has the report of each tenant under its name. A program without tenants has one
/// report.
///
/// If a tenant's sweep fails, a log line names the tenant, and its report is `null`. If all sweeps fail, the
/// invocation fails.
pub(super) async fn run_each(
    app: &App,
    tenant: Option<&str>,
    options: &SweepOptions,
    deadline: Deadline,
    request_id: &str,
) -> Result<Box<RawValue>, Diagnostic> {
    if let Some(name) = tenant {
        let app = app.tenant(name).ok_or_else(|| fails(&no_such_tenant(app)))?;
        return run(app, options, deadline, request_id).await;
    }
    if !app.has_tenants() {
        return run(app, options, deadline, request_id).await;
    }
    let (mut reports, mut failed) = (BTreeMap::new(), None);
    for (app, deadline) in app.apps_in_turn(deadline) {
        let report = run(app, options, deadline, request_id).await;
        let report = report.map_err(|diagnostic| failed = Some(diagnostic)).ok();
        reports.insert(app.tenant_name().unwrap_or_default(), report);
    }
    match failed {
        Some(diagnostic) if reports.values().all(Option::is_none) => Err(diagnostic),
        _ => {
            to_raw_value(&json!({ "tenants": reports })).map_err(|_| fails("the report could not be written"))
        }
    }
}

/// Sweeps, and answers with the report. The invocation fails only if nothing could be swept: Lambda would
/// retry it at once, although the next sweep handles what failed.
async fn run(
    app: &App,
    options: &SweepOptions,
    deadline: Deadline,
    request_id: &str,
) -> Result<Box<RawValue>, Diagnostic> {
    if let Some(refusal) = refusal(app) {
        return Err(fails(refusal));
    }
    if !options.is_of(app.registry()) {
        let endpoints = shown(app.registry().declarations().iter().map(|declaration| declaration.endpoint));
        return Err(fails(&format!(
            "no subscription has the `endpoint` of the event: the program has {endpoints}"
        )));
    }
    let report = sweep(app, options, deadline, Some(request_id)).await;
    if report.is_void() {
        return Err(fails("nothing could be swept: see the program's log"));
    }
    RawValue::from_string(report.to_json()).map_err(|_| fails("the report could not be written"))
}

/// The most names in a message.
const SHOWN: usize = 20;

/// The first names, as a message lists them.
fn shown<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    let first = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

fn no_such_tenant(app: &App) -> String {
    if !app.has_tenants() {
        return "the event has a `tenant`, and the program has no tenants: leave `tenant` out".to_owned();
    }
    let tenants = shown(app.apps().filter_map(App::tenant_name));
    format!("no tenant has the name that the event's `tenant` says: the program has {tenants}")
}

fn fails(message: &str) -> Diagnostic {
    tracing::error!(reason = message, "sweep failed");
    Diagnostic { error_type: "SweepFailed".into(), error_message: message.to_owned() }
}
