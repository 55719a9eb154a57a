//! [`Report`]: the results of a registration, one row for each subscription.

use serde::Serialize;

use super::Options;
use crate::declaration::Declaration;
use crate::server::Room;
use crate::settings::Secrets;

/// The results of a registration, or of a dry run.
///
/// As JSON, it is the answer of `POST /register`. It contains no secret, and no text of the server.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<&'static str>,
    subscriptions: Vec<Row>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pruned: Option<Vec<Row>>,
}

/// The result for one subscription.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Row {
    /// The endpoint.
    pub endpoint: String,
    /// The criteria, or the topic.
    pub criteria: String,
    /// What was done.
    pub result: RowResult,
    /// The Subscription on the server: `Subscription/1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription: Option<String>,
    /// The Subscription's status after it was written: `active`, `requested`, `error`, `off`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The elements that differed from the wanted ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<String>,
    /// Other Subscriptions with the same endpoint. Each of them runs the handler once more.
    /// [`prune`](super::Options::prune) removes exact duplicates; remove others by hand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub duplicates: Vec<String>,
    /// Why it failed, or other remarks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The server's own text, for the terminal only: no answer and no log contains it.
    #[serde(skip)]
    pub(crate) diagnostics: Option<String>,
}

/// The result of one subscription; with `dryRun`, the result that a run would have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RowResult {
    /// It did not exist.
    Created,
    /// It existed, and differed.
    Updated,
    /// It was already right, so nothing was written.
    Unchanged,
    /// It was written, and the server has not yet accepted it.
    Pending,
    /// It was removed.
    Removed,
    /// It could not be done, or the server refused it.
    Failed,
}

impl RowResult {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Pending => "pending",
            Self::Removed => "removed",
            Self::Failed => "failed",
        }
    }
}

impl Row {
    pub(super) fn new(endpoint: &str, criteria: &str, result: RowResult) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            criteria: criteria.to_owned(),
            result,
            subscription: None,
            status: None,
            differences: Vec::new(),
            duplicates: Vec::new(),
            message: None,
            diagnostics: None,
        }
    }

    /// Hides the program's secrets in the server's text, in case the server repeats them.
    pub(super) fn hide(&mut self, secrets: &Secrets) {
        self.diagnostics = self.diagnostics.take().map(|said| secrets.hide_in(&said));
    }

    /// Lists other Subscriptions with the same endpoint, by their ids.
    pub(super) fn set_duplicates(&mut self, ids: &[String]) {
        self.duplicates = ids.iter().map(|id| format!("Subscription/{id}")).collect();
    }

    pub(super) fn failed(endpoint: &str, criteria: &str, message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), ..Self::new(endpoint, criteria, RowResult::Failed) }
    }
}

impl Report {
    pub(super) fn new(
        options: Options,
        server: &Room,
        subscriptions: Vec<Row>,
        pruned: Option<Vec<Row>>,
    ) -> Self {
        Self { dry_run: options.dry_run, server: Some(server.name), subscriptions, pruned }
    }

    /// The report if the server could not be recognised, so that nothing was done.
    pub(super) fn failed(options: Options, declarations: &[&Declaration], message: &str) -> Self {
        let failed = |declaration: &&Declaration| {
            Row::failed(declaration.endpoint, declaration.trigger.text(), message)
        };
        let subscriptions = declarations.iter().map(failed).collect();
        let pruned = options.prune.then(Vec::new);
        Self { dry_run: options.dry_run, server: None, subscriptions, pruned }
    }

    /// The name of the server, as in `FHIR_SERVER`. With `auto`, it is the recognised server, or `None` if
    /// its CapabilityStatement could not be read.
    #[must_use]
    pub fn server(&self) -> Option<&str> {
        self.server
    }

    /// One row for each subscription, sorted by endpoint.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.subscriptions
    }

    /// The Subscriptions that pruning removed.
    #[must_use]
    pub fn pruned(&self) -> &[Row] {
        self.pruned.as_deref().unwrap_or_default()
    }

    /// Whether this was a dry run: nothing was written.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// Whether no row failed. A pending row counts as complete.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.rows().iter().chain(self.pruned()).all(|row| row.result != RowResult::Failed)
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a report is plain strings, lists and booleans")
    }
}
