//! `register`: registers the subscriptions, and shows the results.

use super::table::table;
use super::{COMMAND_LIMIT, Exit, say, say_report};
use crate::app::App;
use crate::deadline::Deadline;
use crate::registration::{self, Options, Report, Row};
use crate::server::Room;

pub(super) async fn register(app: &App, options: Options, json: bool) -> Exit {
    let report = registration::register(
        app,
        options,
        Deadline::after(COMMAND_LIMIT + registration::further_time(app)),
    )
    .await;
    let is_recognised = app.settings().is_server_unknown;
    match json {
        true => say_report(app, &report.to_json()),
        false => say(&show(&report, report.server().filter(|_| is_recognised))),
    }
    if report.is_complete() { Exit::Sound } else { Exit::Unsound }
}

/// The report as a table, with further remarks below it.
///
/// `recognised` is the server's name, if the server had to be recognised.
pub(super) fn show(report: &Report, recognised: Option<&str>) -> String {
    let rows: Vec<_> = report.rows().iter().chain(report.pruned()).collect();
    let cells: Vec<_> = rows.iter().map(|row| cells(row)).collect();
    let mut text = table(["endpoint", "criteria or topic", "result", "status", "subscription"], &cells);
    for row in rows {
        let mut note = |what: &str| text.push_str(&format!("\n{}: {what}", row.endpoint));
        if !row.differences.is_empty() {
            note(&format!("differed in {}", row.differences.join(", ")));
        }
        if !row.duplicates.is_empty() {
            note(&format!(
                "{} have the same endpoint, so that the handler runs once for each: remove them",
                row.duplicates.join(", ")
            ));
        }
        row.message.iter().for_each(|message| note(message));
        row.diagnostics.iter().for_each(|diagnostics| note(&format!("the server says: {diagnostics}")));
    }
    if let Some(server) = recognised {
        let is_known = Room::named(server).is_some_and(Room::is_known);
        let named = if is_known { "it says so itself" } else { "it names no server that the program knows" };
        text.push_str(&format!("\nthe server was taken for {server}: {named}"));
    }
    if report.is_dry_run() {
        text.push_str("\nnothing was written");
    }
    text
}

fn cells(row: &Row) -> [String; 5] {
    [
        row.endpoint.clone(),
        row.criteria.clone(),
        row.result.name().to_owned(),
        row.status.clone().unwrap_or_default(),
        row.subscription.clone().unwrap_or_default(),
    ]
}
