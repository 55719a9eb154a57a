//! `sweep`: finds what no notification told of, handles it, and shows what was done.

use super::table::table;
use super::{Exit, complain, say};
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
    if options.since.is_none() && !app.store().is_some_and(|store| store.is_durable()) {
        complain(
            "FHIR_SUBSCRIPTION_IDEMPOTENCY keeps what was handled within one process, so that each `sweep` would begin anew \
             where the Subscriptions were created: set it to dynamodb:TABLE, or say by --since from which moment on \
             everything is to be handled again",
        );
        return Exit::Unusable;
    }
    // However much there is: each request, and each handler, has a limit of its own.
    let unlimited = Deadline::after(std::time::Duration::MAX);
    let report = crate::sweep::sweep(app, &options, unlimited, None).await;
    say(&if json { report.to_json() } else { show(&report) });
    if report.is_sound() { Exit::Sound } else { Exit::Unsound }
}

/// The report as a table, and under it what a table has no room for.
fn show(report: &Report) -> String {
    let titles =
        ["endpoint", "criteria or topic", "result", "seen", "before", "handled", "failed", "dead", "up to"];
    let cells: Vec<_> = report.subscriptions.iter().map(cells).collect();
    let mut text = table(titles, &cells);
    for row in &report.subscriptions {
        let mut note = |what: &str| text.push_str(&format!("\n{}: {what}", row.endpoint));
        row.notes.iter().for_each(|what| note(what));
        if row.rearmed {
            note("the server had it in error, and it was armed again");
        }
        if row.left {
            note("there is something left: sweep again");
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
