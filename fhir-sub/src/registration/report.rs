//! [`Report`]: what a registration did, one row a subscription.

use serde::Serialize;

use super::Options;
use crate::declaration::Declaration;
use crate::server::Room;
use crate::settings::Secrets;

/// What a registration did, or would do.
///
/// As JSON, the answer of `POST /register`. It holds no secret and none of the server's own texts.
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

/// What was done, or would be done, for one subscription.
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
    /// The elements that differed from what is wanted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<String>,
    /// Further Subscriptions with the same endpoint, each of which makes the handler run once more:
    /// remove them by hand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub duplicates: Vec<String>,
    /// Why it failed, or what is worth knowing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What the server says of it, for the terminal of whoever registers: it is in no answer and in no log.
    #[serde(skip)]
    pub(crate) diagnostics: Option<String>,
}

/// What was done for one subscription; with `dryRun`, what would be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RowResult {
    /// It was not there.
    Created,
    /// It was there, and different.
    Updated,
    /// It was there, as wanted: nothing was written.
    Unchanged,
    /// It was written, and the server has not yet accepted it.
    Pending,
    /// It was removed.
    Removed,
    /// It could not be done, or the server turned it down.
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

    /// Takes the program's secrets out of what the server says, should it repeat what it was sent.
    pub(super) fn hide(&mut self, secrets: &Secrets) {
        self.diagnostics = self.diagnostics.take().map(|said| secrets.hide_in(&said));
    }

    /// Names the further Subscriptions with the same endpoint by their ids.
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

    /// Nothing could be done, since which server it is is not known.
    pub(super) fn failed(options: Options, declarations: &[&Declaration], message: &str) -> Self {
        let failed = |declaration: &&Declaration| {
            Row::failed(declaration.endpoint, declaration.trigger.text(), message)
        };
        let subscriptions = declarations.iter().map(failed).collect();
        let pruned = options.prune.then(Vec::new);
        Self { dry_run: options.dry_run, server: None, subscriptions, pruned }
    }

    /// Which server it was registered with, by the name that `FHIR_SERVER` gives it: with `auto` the one that was
    /// recognised, `None` if what the server says of itself could not be read.
    #[must_use]
    pub fn server(&self) -> Option<&str> {
        self.server
    }

    /// One row a subscription, sorted by endpoint.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.subscriptions
    }

    /// The Subscriptions that pruning removed.
    #[must_use]
    pub fn pruned(&self) -> &[Row] {
        self.pruned.as_deref().unwrap_or_default()
    }

    /// Whether nothing was written, since the registration was to plan only.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// Whether no row failed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.rows().iter().chain(self.pruned()).all(|row| row.result != RowResult::Failed)
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a report is plain strings, lists and booleans")
    }
}
