//! [`Report`]: what a sweep found and did, one row a subscription.

use serde::Serialize;

use crate::app::App;
use crate::client::Error;
use crate::declaration::Declaration;
use crate::delivery::Ended;
use crate::fhir::Instant;
use crate::metrics::Measure;

/// What a sweep found and did. As JSON, the answer of `POST /sweep`: it holds no secret, nothing of a resource, and none of
/// the server's own texts.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) subscriptions: Vec<Row>,
    /// How many events the store has forgotten before their time: a sweep that finds them has them handled again.
    #[serde(skip_serializing_if = "is_none")]
    forgotten: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// What was found and done for one subscription.
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
    /// Whether it was armed again, since the server had put it in error.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) rearmed: bool,
    /// How many resources and events were found.
    pub(crate) seen: u64,
    /// Of those, what was handled before.
    pub(crate) already_handled: u64,
    pub(crate) handled: u64,
    /// What is tried again by the next sweep.
    pub(crate) failed: u64,
    /// What was given up.
    pub(crate) dead: u64,
    /// Whether the next sweep has something left to do that this one did not come to.
    pub(crate) left: bool,
    /// Everything that was changed up to then is done or given up, by the server's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) watermark: Option<String>,
    /// Why it could not be swept, or what is worth knowing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
    /// Whether there is something left because time ran out.
    #[serde(skip)]
    pub(super) is_out_of_time: bool,
    #[serde(skip)]
    pub(super) is_unarmed: bool,
    /// How much was passed over, since it has no id that FHIR allows.
    #[serde(skip)]
    pub(super) odd: u64,
    /// Of how much the server says neither the version nor when it was changed.
    #[serde(skip)]
    pub(super) unversioned: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RowResult {
    Swept,
    /// Another sweep is at it.
    UnderWay,
    /// Nothing finds what no notification told of.
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
            seen: 0,
            already_handled: 0,
            handled: 0,
            failed: 0,
            dead: 0,
            left: false,
            watermark: None,
            notes: Vec::new(),
            is_out_of_time: false,
            is_unarmed: false,
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

    pub(super) fn not_rearmed(&mut self, error: &Error) {
        self.is_unarmed = true;
        self.note(format!("the server has it in `error`, and writing it once more failed: {error}"));
    }

    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub(super) fn note_once(&mut self, note: &str) {
        if !self.notes.iter().any(|other| other == note) {
            self.notes.push(note.to_owned());
        }
    }

    /// Says what was odd about what was found.
    pub(super) fn note_odd(&mut self) {
        if self.odd > 0 {
            self.note(format!(
                "{} of what the server shows has no id that FHIR allows (1 to 64 of A-Z, a-z, 0-9, - and .): no handler runs \
                 on it",
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

    /// Counts what was found, by what became of it; `None` where there was no time.
    pub(super) fn count(&mut self, ended: Option<Ended>) {
        self.seen += 1;
        self.count_late(ended.unwrap_or(Ended::UnderWay));
    }

    /// Counts what became of what was seen before, and left for the end.
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

    /// Whether nothing failed.
    pub(crate) fn is_sound(&self) -> bool {
        self.result != RowResult::Failed && self.failed == 0 && !self.is_unarmed
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

    /// Whether nothing failed.
    pub(crate) fn is_sound(&self) -> bool {
        self.subscriptions.iter().all(Row::is_sound)
    }

    /// Whether nothing at all could be swept, since the server or the store could not be asked.
    pub(crate) fn is_void(&self) -> bool {
        let mut failed = self.subscriptions.iter().map(|row| row.result == RowResult::Failed).peekable();
        failed.peek().is_some() && failed.all(|has_failed| has_failed)
    }

    /// Whether time ran out while there was something to handle: another sweep should go on at once.
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

    /// Writes the log line of the whole, and one of each subscription that was not swept.
    pub(super) fn write(&self, app: &App, request_id: Option<&str>) {
        let sum = |count: fn(&Row) -> u64| self.subscriptions.iter().map(count).sum::<u64>();
        tracing::info!(
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
        for row in self.subscriptions.iter().filter(|_| app.settings().log.metrics) {
            let Row { endpoint, .. } = row;
            let measure = if row.is_sound() { Measure::Swept } else { Measure::SweepFailed };
            let sweep_age = row
                .watermark
                .as_deref()
                .and_then(Instant::parse)
                .map(|done| app.now().milliseconds_since(done));
            tracing::info!(endpoint, measure = measure.name(), sweep_age, request_id, "swept");
        }
        for row in self.subscriptions.iter().filter(|row| row.odd + row.unversioned > 0) {
            let Row { endpoint, odd, unversioned, .. } = row;
            tracing::warn!(endpoint, odd, unversioned, request_id, "sweep found what it cannot tell apart");
        }
        for row in self.subscriptions.iter().filter(|row| row.result == RowResult::Failed || row.is_unarmed) {
            let reason = row.notes.last().map(String::as_str);
            tracing::error!(endpoint = row.endpoint, reason, request_id, "sweep failed");
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // As serde wants it.
fn is_none(count: &u64) -> bool {
    *count == 0
}
