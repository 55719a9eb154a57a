//! `status`: each subscription as the FHIR server has it.

use super::table::table;
use super::{COMMAND_LIMIT, Exit, say};
use crate::app::App;
use crate::deadline::Deadline;
use crate::error::BoxError;
use crate::registration::{self, StatusRow};

pub(super) async fn status(app: &App) -> Result<Exit, BoxError> {
    let rows = registration::status(app, Deadline::after(COMMAND_LIMIT)).await;
    let cells: Vec<_> = rows.iter().map(cells).collect();
    say(&table(["endpoint", "criteria", "status", "drift", "last error"], &cells));
    Ok(if rows.iter().all(StatusRow::is_sound) { Exit::Sound } else { Exit::Unsound })
}

fn cells(row: &StatusRow) -> [String; 5] {
    let drift = if row.drift.is_empty() { "none".to_owned() } else { row.drift.join(", ") };
    let error = row.error.as_deref().unwrap_or("none").replace('\n', " ");
    [row.endpoint.to_owned(), row.criteria.to_owned(), row.status.clone(), drift, error]
}
