//! [`Progress`]: a subscription that is being registered, and its row so far.

use super::hidden::LIMITED;
use super::known::FindError;
use super::plan::Given;
use super::report::{Row, RowResult};
use super::wanted::Wanted;
use super::{hidden, known};
use crate::app::App;
use crate::client::Error;
use crate::fhir::{OperationOutcome, OperationOutcomeIssue, Subscription};

/// A subscription that is being registered.
pub(super) struct Progress<'a> {
    pub(super) app: &'a App,
    pub(super) wanted: Wanted,
    pub(super) row: Row,
    /// The id of the Subscription that this run has created.
    pub(super) created: Option<String>,
    /// Whether this run has created one, and the server did not say its id.
    pub(super) is_unnamed: bool,
    /// Whether an operator turned it `off`, so that it must stay off.
    pub(super) is_left_off: bool,
    /// Whether the server has no search of Subscriptions, so that only the id finds it.
    pub(super) is_found_by_id: bool,
    /// The ids of the Subscriptions that this Subscription replaces. They stay until this Subscription is active.
    pub(super) superseded: Vec<String>,
}

/// A written Subscription counts as `requested` until it is read.
pub(super) const REQUESTED: &str = "requested";

impl<'a> Progress<'a> {
    pub(super) fn new(app: &'a App, wanted: Wanted, row: Row) -> Self {
        Self {
            app,
            wanted,
            row,
            created: None,
            is_unnamed: false,
            is_left_off: false,
            is_found_by_id: false,
            superseded: Vec::new(),
        }
    }

    /// The facts that the plan depends on. `rewrite` writes the Subscription again, even without a difference.
    pub(super) fn given(&self, rewrite: bool) -> Given {
        Given { rewrite, ..Given::of(self.app, &self.wanted.url) }
    }

    /// Remembers how the server shows what this run has written; `found` has all Subscriptions.
    pub(super) fn remember(&self, found: &[Subscription]) {
        let id =
            self.row.subscription.as_deref().and_then(|reference| reference.strip_prefix("Subscription/"));
        if let Some(shown) = id.and_then(|id| found.iter().find(|found| found.text("id") == Some(id))) {
            let written = hidden::written(&self.wanted.resource, shown);
            self.app.memory().subscriptions.change(&self.wanted.url, |known| {
                (known.id, known.written) = (id.map(str::to_owned), Some(written));
            });
        }
    }

    /// Adds a remark if the server cannot search for Subscriptions.
    pub(super) fn tell_no_search(&mut self) {
        let message = if known::is_kept(self.app) {
            "the server has no search of Subscriptions, so this one is found by its remembered id"
        } else {
            "the server has no search of Subscriptions, and this program forgets the id of this one when \
             it ends, so another run would create a second one: keep the id, with `register --known FILE` \
             or a durable store"
        };
        self.row.message.get_or_insert_with(|| message.into());
    }

    /// Adds a remark if an old Subscription stays until this one is active.
    pub(super) fn tell_superseded(&mut self) {
        if !self.superseded.is_empty() {
            let said = self.row.message.take().into_iter().chain([still_there(&self.superseded)]);
            self.row.message = Some(said.collect::<Vec<_>>().join("; "));
        }
    }

    /// Adds a remark if an operator turned it `off`.
    pub(super) fn tell_left_off(&mut self) {
        if self.is_left_off {
            self.row.message.get_or_insert_with(|| {
                "somebody turned it off on the server: set its status to `active` there, or run \
                 `register --rewrite`"
                    .into()
            });
        }
    }
}

impl Row {
    pub(super) fn done(&mut self, result: RowResult, id: &str, status: Option<String>) {
        self.result = result;
        self.subscription = Some(format!("Subscription/{id}"));
        self.status = status;
        // These came from an earlier attempt.
        (self.message, self.diagnostics) = (None, None);
    }

    pub(super) fn fail(&mut self, doing: &str, error: &Error) {
        self.result = RowResult::Failed;
        self.message = Some(format!("{doing} failed: {error}"));
        self.diagnostics = error.operation_outcome().map(texts);
    }

    /// The row of a Subscription that could not be looked for.
    pub(super) fn fail_to_find(&mut self, doing: &str, error: &FindError) {
        match error.server() {
            Some(error) => self.fail(doing, error),
            None => {
                self.result = RowResult::Failed;
                self.message = Some(format!("{doing} failed: {error}"));
            }
        }
    }

    /// Adds a remark if hidden elements could not be compared.
    pub(super) fn tell_hidden(&mut self, hidden: &[&str]) {
        if !hidden.is_empty() {
            self.message.get_or_insert_with(|| not_shown(hidden));
        }
    }
}

/// The remark about elements that the server hides, or sets and limits itself.
pub(super) fn not_shown(hidden: &[&str]) -> String {
    let (limited, hidden): (Vec<&str>, Vec<&str>) = hidden.iter().partition(|name| LIMITED.contains(name));
    let hidden = (!hidden.is_empty()).then(|| {
        format!(
            "the server does not show all of {}, so the program takes it to be as wanted: after a change of \
             the secret, run `register --rewrite`",
            hidden.join(" and ")
        )
    });
    let limited = (!limited.is_empty())
        .then(|| format!("the server sets {} to a value of its own", limited.join(" and ")));
    Vec::from_iter(hidden.into_iter().chain(limited)).join("; ")
}

/// The remark about old Subscriptions that stay until the new one is active.
pub(super) fn still_there(old: &[String]) -> String {
    let old: Vec<_> = old.iter().map(|id| format!("Subscription/{id}")).collect();
    let old = old.join(" and ");
    format!(
        "events come from {old} until the new one is active: then run `register` again, which deletes {old}"
    )
}

/// The code of the status. The answer to `POST …/register` contains it, so it must not contain other text of
/// the server.
pub(super) fn status_of(subscription: &Subscription) -> Option<String> {
    subscription.text("status").map(|_| subscription.status_code().to_owned())
}

/// The server's own explanation of an error.
fn texts(outcome: &OperationOutcome) -> String {
    let details =
        |issue: &OperationOutcomeIssue| issue.details.as_ref().and_then(|details| details.text.clone());
    let texts = outcome.issue.iter().filter_map(|issue| issue.diagnostics.clone().or_else(|| details(issue)));
    texts.collect::<Vec<_>>().join("; ")
}
