//! `status`: each subscription as the FHIR server has it.

use super::table::table;
use super::{COMMAND_LIMIT, Exit, dead_letters, say, say_report};
use crate::app::App;
use crate::deadline::Deadline;
use crate::registration::{self, StatusRow};

pub(super) async fn status(app: &App, json: bool) -> Exit {
    let rows = registration::status(app, Deadline::after(COMMAND_LIMIT)).await;
    let exit = if rows.iter().all(StatusRow::is_sound) { Exit::Sound } else { Exit::Unsound };
    if json {
        say_report(app, &crate::service::status_of(app, &rows).await);
        return exit;
    }
    let cells: Vec<_> = rows.iter().map(cells).collect();
    say(&table(
        ["endpoint", "criteria or topic", "status", "drift", "last error", "subscription", "events"],
        &cells,
    ));
    for row in &rows {
        row.notes.iter().for_each(|note| say(&format!("{}: {note}", row.endpoint)));
    }
    match crate::delivery::dead_letters::list(app).await {
        Ok(letters) if letters.is_empty() => {}
        Ok(letters) => say(&format!("\ndead letters:\n{}", dead_letters::list(&letters))),
        Err(unavailable) => say(&format!("\n{unavailable}")),
    }
    exit
}

fn cells(row: &StatusRow) -> [String; 7] {
    let drift = if row.drift.is_empty() { "none".to_owned() } else { row.drift.join(", ") };
    let error = row.message.as_deref().or(row.diagnostics.as_deref()).unwrap_or("none").replace('\n', " ");
    let subscription = row.subscription.as_deref().unwrap_or("none").to_owned();
    let events = row.events.map_or_else(String::new, |events| events.to_string());
    let (endpoint, criteria) = (row.endpoint.to_owned(), row.criteria.to_owned());
    [endpoint, criteria, row.status.clone(), drift, error, subscription, events]
}
