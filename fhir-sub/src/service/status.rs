//! `GET …/status`: each subscription on the server, and the events of this instance.

use std::time::Duration;

use serde::Serialize;

use super::Answered;
use super::work::{self, Work};
use crate::app::App;
use crate::deadline::Deadline;
use crate::delivery::dead_letters;
use crate::memory::{Counts, Name};
use crate::registration::{self, StatusRow};
use crate::store::DeadLetter;

/// Reads every subscription, and writes nothing.
pub(super) async fn status(app: &App, deadline: Deadline) -> Answered {
    let looking = async {
        let rows = registration::status(app, deadline.earlier_by(TO_REPORT)).await;
        let is_sound = rows.iter().all(StatusRow::is_sound);
        let subscriptions = rows.iter().map(|row| Row::of_instance(app, row)).collect();
        work::Report { is_sound, body: json(app, subscriptions).await }
    };
    Work::Status.answer(looking, deadline).await
}

/// The same for `rows`, in a process that gets no notifications.
pub(crate) async fn status_of(app: &App, rows: &[StatusRow]) -> String {
    json(app, rows.iter().map(Row::new).collect()).await
}

async fn json(app: &App, subscriptions: Vec<Row<'_>>) -> String {
    let letters = dead_letters::list(app).await;
    let store = if letters.is_ok() { "reached" } else { "unavailable" };
    let report = Report { subscriptions, store, dead_letters: letters.unwrap_or_default() };
    serde_json::to_string(&report).expect("a report is plain strings, lists and numbers")
}

/// The time that is reserved for the report.
const TO_REPORT: Duration = Duration::from_millis(500);

/// It contains no secret, and no text of the server.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    subscriptions: Vec<Row<'a>>,
    /// Whether the idempotency store answered.
    store: &'static str,
    dead_letters: Vec<DeadLetter>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    endpoint: &'a str,
    criteria: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscription: Option<&'a str>,
    status: &'a str,
    drift: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    /// From the server's `$status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    events_since_subscription_start: Option<u64>,
    /// How many heartbeats that the server has promised did not come.
    #[serde(skip_serializing_if = "crate::json::is_zero")]
    heartbeats_missed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<Events>,
}

/// The events of this instance since it started.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Events {
    received: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_number: Option<u64>,
    gaps_open: usize,
    missing: u64,
    lost: u64,
    repeats: u64,
    restarts: u64,
    gone: u64,
}

impl<'a> Row<'a> {
    fn new(row: &'a StatusRow) -> Self {
        let in_diagnostics =
            || row.diagnostics.as_ref().map(|_| "the server has one: the command `status` shows it");
        Self {
            endpoint: row.endpoint,
            criteria: &row.criteria,
            subscription: row.subscription.as_deref(),
            status: &row.status,
            drift: &row.drift,
            error: row.message.as_deref().or_else(in_diagnostics),
            events_since_subscription_start: row.events,
            heartbeats_missed: row.missed,
            events: None,
        }
    }

    /// With the events of this instance.
    fn of_instance(app: &App, row: &'a StatusRow) -> Self {
        let counts =
            |subscription| app.memory().event_numbers.counts(Name { endpoint: row.endpoint, subscription });
        // Only Medplum's notifications of a criteria name their Subscription.
        let counts = row.subscription.as_deref().and_then(|it| counts(Some(it))).or_else(|| counts(None));
        Self { events: Some(Events::from(counts.unwrap_or_default())), ..Self::new(row) }
    }
}

impl From<Counts> for Events {
    fn from(counts: Counts) -> Self {
        let Counts { received, last_number, gaps, missing, lost, repeats, restarts, gone } = counts;
        Self { received, last_number, gaps_open: gaps, missing, lost, repeats, restarts, gone }
    }
}

#[cfg(test)]
mod tests;
