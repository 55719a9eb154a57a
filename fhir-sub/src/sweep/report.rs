//! [`Report`]: what a sweep found and did, one row for each subscription.

#[cfg(feature = "local")]
use std::time::SystemTime;

use serde::Serialize;

use crate::app::App;
use crate::declaration::Declaration;
use crate::delivery::Ended;
use crate::fhir::Instant;
use crate::logs;
use crate::metrics::Measure;
use crate::registration::NotRearmed;

/// The results of a sweep. As JSON, it is the answer of `POST /sweep`: it contains no secret, no part of a
/// resource, and no text of the server.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) subscriptions: Vec<Row>,
    /// How many events the store has forgotten too early: a sweep that finds them handles them again.
    #[serde(skip_serializing_if = "crate::json::is_zero")]
    forgotten: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// The results for one subscription.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    pub(crate) endpoint: &'static str,
    /// The criteria, or the topic.
    pub(crate) criteria: &'static str,
    pub(crate) result: RowResult,
    /// The Subscription on the server: `Subscription/1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subscription: Option<String>,
    /// Whether the Subscription was re-armed because the server had put it in error.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) rearmed: bool,
    /// How many heartbeats that the server has promised did not come.
    #[serde(skip_serializing_if = "crate::json::is_zero")]
    pub(crate) heartbeats_missed: u64,
    /// How many resources and events were found.
    pub(crate) seen: u64,
    /// How many of them were handled before.
    pub(crate) already_handled: u64,
    pub(crate) handled: u64,
    /// How many the next sweep tries again.
    pub(crate) failed: u64,
    /// How many were given up.
    pub(crate) dead: u64,
    /// Whether this sweep left something for the next one.
    pub(crate) left: bool,
    /// Everything that changed before this moment, by the server's clock, is done or given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) watermark: Option<String>,
    /// Why it could not be swept, or other remarks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
    /// Whether time ran out before everything was done.
    #[serde(skip)]
    pub(super) is_out_of_time: bool,
    /// Why the Subscription does not stay active.
    #[serde(skip)]
    pub(super) unarmed: Option<String>,
    /// Whether there are changes that no sweep can see.
    #[serde(skip)]
    pub(super) is_blind: bool,
    /// Whether all events that the server has counted are done. If no more events come, the watermark stays at the last one.
    #[serde(skip)]
    pub(super) is_all_done: bool,
    /// Whether the events were counted, and all of them that the server has were asked for.
    #[serde(skip)]
    pub(super) has_counted: bool,
    /// How many results were skipped: FHIR does not allow their ids, or they name two resources.
    #[serde(skip)]
    pub(super) odd: u64,
    /// For how many results the server gives neither the version nor the time of the last change.
    #[serde(skip)]
    pub(super) unversioned: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RowResult {
    Swept,
    /// Another sweep is sweeping it.
    UnderWay,
    /// No request can find what no notification reported.
    CannotBeSwept,
    /// The server or the store could not be asked.
    Failed,
}

impl RowResult {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Swept => "swept",
            Self::UnderWay => "under way",
            Self::CannotBeSwept => "cannot be swept",
            Self::Failed => "failed",
        }
    }
}

impl Row {
    pub(super) fn new(declaration: &Declaration) -> Self {
        Self {
            endpoint: declaration.endpoint,
            criteria: declaration.trigger.text(),
            result: RowResult::Swept,
            subscription: None,
            rearmed: false,
            heartbeats_missed: 0,
            seen: 0,
            already_handled: 0,
            handled: 0,
            failed: 0,
            dead: 0,
            left: false,
            watermark: None,
            notes: Vec::new(),
            is_out_of_time: false,
            unarmed: None,
            is_blind: false,
            is_all_done: false,
            has_counted: false,
            odd: 0,
            unversioned: 0,
        }
    }

    pub(super) fn failed(mut self, message: String) -> Self {
        self.note(message);
        Self { result: RowResult::Failed, left: true, ..self }
    }

    pub(super) fn out_of_time(self) -> Self {
        Self { left: true, is_out_of_time: true, ..self }
    }

    pub(super) fn under_way(mut self) -> Self {
        self.note("another sweep of it is under way".into());
        Self { result: RowResult::UnderWay, ..self }
    }

    pub(super) fn not_sweepable(mut self, reason: &str) -> Self {
        self.cannot(reason);
        self
    }

    pub(super) fn cannot(&mut self, reason: &str) {
        self.result = RowResult::CannotBeSwept;
        self.note(reason.to_owned());
    }

    /// The Subscription was re-armed, `again` if the last sweep re-armed it too: the server does not keep it.
    pub(super) fn rearmed(&mut self, again: bool) {
        self.rearmed = true;
        self.unarmed =
            again.then(|| "in `error` again since the last sweep re-armed it: `status` shows why".into());
    }

    pub(super) fn not_rearmed(&mut self, reason: &NotRearmed) {
        self.unarmed = Some(format!("the server has it in `error`, and {reason}"));
    }

    /// Notes why the Subscription does not stay active. The last note is the reason of a failure.
    pub(super) fn note_unarmed(&mut self) {
        self.notes.extend(self.unarmed.clone());
    }

    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub(super) fn note_once(&mut self, note: &str) {
        if !self.notes.iter().any(|other| other == note) {
            self.notes.push(note.to_owned());
        }
    }

    /// Adds a remark about odd results.
    pub(super) fn note_odd(&mut self) {
        if self.odd > 0 {
            self.note(format!(
                "{} of what the server shows has no id that FHIR allows (1 to 64 of A-Z, a-z, 0-9, - and .), names two \
                 resources at once, or names none that can be read: no handler runs on it",
                self.odd
            ));
        }
        if self.unversioned > 0 {
            self.note(format!(
                "{} of what the server shows has neither `meta.versionId` nor `meta.lastUpdated`: it is told from other \
                 versions by its content only",
                self.unversioned
            ));
        }
    }

    /// Counts a result by how it ended; `None` if there was no time.
    pub(super) fn count(&mut self, ended: Option<Ended>) {
        self.seen += 1;
        self.count_late(ended.unwrap_or(Ended::UnderWay));
    }

    /// Counts a result that was seen before, and left for the end.
    pub(super) fn count_late(&mut self, ended: Ended) {
        match ended {
            Ended::Handled => self.handled += 1,
            Ended::AlreadyHandled => self.already_handled += 1,
            Ended::NothingToDo => {}
            Ended::Dead => self.dead += 1,
            Ended::Failed => self.failed += 1,
            Ended::UnderWay => self.left = true,
        }
    }

    pub(crate) fn is_sound(&self) -> bool {
        self.result != RowResult::Failed && self.failed == 0 && self.unarmed.is_none()
    }

    /// The moment up to which nothing is left, for the sweep's age.
    pub(super) fn until(&self, now: Instant) -> Option<Instant> {
        let is_all_done = match self.measure() {
            // Nothing is behind where nothing can be swept. The alarm rings if this is missing.
            Measure::CannotBeSwept => !self.left,
            Measure::Swept => !self.left && self.is_all_done,
            _ => false,
        };
        if is_all_done {
            return Some(now);
        }
        self.watermark.as_deref().and_then(Instant::parse)
    }

    /// `Swept` only if the subscription was swept, because an alarm rings if `Swept` is missing.
    fn measure(&self) -> Measure {
        match self.result {
            _ if !self.is_sound() => Measure::SweepFailed,
            RowResult::UnderWay => Measure::SweepUnderWay,
            RowResult::CannotBeSwept => Measure::CannotBeSwept,
            RowResult::Swept | RowResult::Failed => Measure::Swept,
        }
    }
}

impl Report {
    pub(super) fn new(subscriptions: Vec<Row>, is_durable: bool, forgotten: u64) -> Self {
        let in_memory = "FHIR_SUBSCRIPTION_IDEMPOTENCY is memory: what was handled, and how far sweeps have come, is known \
                         since the process was started";
        let mut notes: Vec<_> = (!is_durable).then(|| in_memory.to_owned()).into_iter().collect();
        if forgotten > 0 {
            notes.push(format!(
                "the store was full, and has forgotten {forgotten} records before their time, so that their events may be \
                 handled again: raise FHIR_SUBSCRIPTION_STORE_MAXIMUM, or use a durable store"
            ));
        }
        let note = (!notes.is_empty()).then(|| notes.join("; "));
        Self { subscriptions, forgotten, note }
    }

    pub(crate) fn is_sound(&self) -> bool {
        self.subscriptions.iter().all(Row::is_sound)
    }

    /// Whether everything that changed was found and handled: no event was given up, and none was out of sight.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_sound() && self.subscriptions.iter().all(|row| row.dead == 0 && !row.is_blind)
    }

    /// Whether nothing could be swept, because the server or the store could not be asked.
    pub(crate) fn is_void(&self) -> bool {
        let mut failed = self.subscriptions.iter().map(|row| row.result == RowResult::Failed).peekable();
        failed.peek().is_some() && failed.all(|has_failed| has_failed)
    }

    /// Whether time ran out while there was something to handle: the next sweep should start at once.
    #[cfg(feature = "local")]
    pub(super) fn is_cut_short(&self) -> bool {
        self.subscriptions.iter().any(|row| row.is_out_of_time && row.handled > 0)
    }

    pub(crate) fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a report is plain strings, lists and numbers")
    }

    /// Writes the log line of the sweep, and one for each subscription that was not swept.
    pub(super) fn write(&self, app: &App, request_id: Option<&str>) {
        let sum = |count: fn(&Row) -> u64| self.subscriptions.iter().map(count).sum::<u64>();
        let tenant = app.tenant_name();
        tracing::info!(
            tenant,
            subscriptions = self.subscriptions.len(),
            seen = sum(|row| row.seen),
            already_handled = sum(|row| row.already_handled),
            handled = sum(|row| row.handled),
            failed = sum(|row| row.failed),
            dead = sum(|row| row.dead),
            left = self.subscriptions.iter().filter(|row| row.left).count(),
            forgotten = self.forgotten,
            request_id,
            "sweep"
        );
        for row in &self.subscriptions {
            let Row { endpoint, .. } = row;
            let measure = row.measure();
            let until = row.until(app.now());
            #[cfg(feature = "local")]
            if let Some(counters) = app.counters() {
                counters.swept(endpoint, measure, until.map(SystemTime::from));
            }
            if !app.settings().log.metrics {
                continue;
            }
            let sweep_age = until.map(|done| app.now().milliseconds_since(done));
            logs::measured(true, || {
                tracing::info!(tenant, endpoint, measure = measure.name(), sweep_age, request_id, "swept");
            });
        }
        for row in self.subscriptions.iter().filter(|row| row.heartbeats_missed > 0) {
            let Row { endpoint, heartbeats_missed, .. } = row;
            #[cfg(feature = "local")]
            if let Some(counters) = app.counters() {
                counters.count(Some(endpoint), Measure::HeartbeatsMissed, false, None);
            }
            let measure = app.settings().log.metrics.then(|| Measure::HeartbeatsMissed.name());
            logs::measured(measure.is_some(), || {
                tracing::warn!(
                    tenant,
                    endpoint,
                    heartbeats_missed,
                    measure,
                    request_id,
                    "heartbeats are missing"
                );
            });
        }
        for row in self.subscriptions.iter().filter(|row| row.odd + row.unversioned > 0) {
            let Row { endpoint, odd, unversioned, .. } = row;
            tracing::warn!(
                tenant,
                endpoint,
                odd,
                unversioned,
                request_id,
                "sweep found what it cannot tell apart"
            );
        }
        for Row { endpoint, .. } in self.subscriptions.iter().filter(|row| row.rearmed) {
            tracing::warn!(
                tenant,
                endpoint,
                request_id,
                "the server had put the Subscription into error; the sweep re-armed it"
            );
        }
        for row in
            self.subscriptions.iter().filter(|row| row.result == RowResult::Failed || row.unarmed.is_some())
        {
            let reason = row.notes.last().map(String::as_str);
            tracing::error!(tenant, endpoint = row.endpoint, reason, request_id, "sweep failed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Succeed, declaration};

    #[test]
    fn a_sweep_that_did_not_sweep_counts_as_what_it_was() {
        let declaration = declaration::<crate::Event, Succeed>("Patient?", "e");
        let row = || Row::new(&declaration);
        for (row, measure) in [
            (row(), Measure::Swept),
            (row().out_of_time(), Measure::Swept),
            (row().under_way(), Measure::SweepUnderWay),
            (row().not_sweepable("no search finds it"), Measure::CannotBeSwept),
            (row().failed("the server does not answer".into()), Measure::SweepFailed),
            (Row { failed: 1, ..row() }.under_way(), Measure::SweepFailed),
            (
                Row { unarmed: Some("in `error`".into()), ..row() }.not_sweepable("no search finds it"),
                Measure::SweepFailed,
            ),
        ] {
            assert_eq!(row.measure(), measure, "{row:?}");
        }
    }

    #[test]
    fn a_subscription_that_cannot_be_swept_is_not_behind() {
        let declaration = declaration::<crate::Event, Succeed>("Patient?", "e");
        let now = Instant::parse("2026-12-01T12:00:00Z").unwrap();
        let watermark = "2026-12-01T08:00:00Z";
        let row = || Row { watermark: Some(watermark.to_owned()), ..Row::new(&declaration) };
        let cannot = |row: Row| row.not_sweepable("no search finds it");
        assert_eq!(cannot(Row::new(&declaration)).until(now), Some(now));
        // A topic without `$events` on this server: the beginning of its sweeps never moves.
        assert_eq!(cannot(row()).until(now), Some(now));
        // The next sweep continues where these ended.
        for row in [row(), Row { failed: 1, ..cannot(row()) }, Row { left: true, ..cannot(row()) }] {
            assert_eq!(row.until(now), Instant::parse(watermark), "{row:?}");
        }
        assert_eq!(Row::new(&declaration).failed("the store is away".into()).until(now), None);
    }
}
