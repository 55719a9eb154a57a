//! `sweep`: handles changes that no notification reported, and shows the results.

use super::table::table;
use super::{Exit, complain, say, say_report};
use crate::app::App;
use crate::deadline::Deadline;
use crate::sweep::{Report, Row, SweepOptions, refusal};

pub(super) async fn sweep(app: &App, options: SweepOptions, json: bool) -> Exit {
    if !options.is_of(app.registry()) {
        complain("no subscription has this endpoint: `check` lists them");
        return Exit::Unusable;
    }
    if let Some(refusal) = refusal(app) {
        complain(refusal);
        return Exit::Unusable;
    }
    if options.since.is_none() && app.durable_store().is_none() {
        complain(
            "FHIR_SUBSCRIPTION_IDEMPOTENCY keeps what was handled within one process, so each `sweep` \
             would begin where the Subscriptions were created: set it to dynamodb:TABLE, postgres://… or \
             sqlite:FILE, or name the beginning with --since: everything after it is handled again",
        );
        return Exit::Unusable;
    }
    // There is no time limit for all of it: each request and each handler has its own.
    let unlimited = Deadline::after(std::time::Duration::MAX);
    let report = crate::sweep::sweep(app, &options, unlimited, None).await;
    match json {
        true => say_report(app, &report.to_json()),
        false => say(&show(&report)),
    }
    if report.is_complete() { Exit::Sound } else { Exit::Unsound }
}

/// The report as a table, with further remarks below it.
fn show(report: &Report) -> String {
    let titles =
        ["endpoint", "criteria or topic", "result", "seen", "before", "handled", "failed", "dead", "up to"];
    let cells: Vec<_> = report.subscriptions.iter().map(cells).collect();
    let mut text = table(titles, &cells);
    for row in &report.subscriptions {
        let mut note = |what: &str| text.push_str(&format!("\n{}: {what}", row.endpoint));
        row.notes.iter().for_each(|what| note(what));
        if row.rearmed {
            note("the server had put the Subscription into error; the sweep re-armed it");
        }
        if row.left {
            note("not everything is swept: sweep again");
        }
    }
    if let Some(note) = report.note() {
        text.push_str(&format!("\n{note}"));
    }
    text
}

fn cells(row: &Row) -> [String; 9] {
    [
        row.endpoint.to_owned(),
        row.criteria.to_owned(),
        row.result.name().to_owned(),
        row.seen.to_string(),
        row.already_handled.to_string(),
        row.handled.to_string(),
        row.failed.to_string(),
        row.dead.to_string(),
        row.watermark.clone().unwrap_or_default(),
    ]
}
