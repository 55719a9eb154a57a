//! What the server has, beside what is wanted.

use futures_core::future::BoxFuture;

use super::plan::{Action, Plan, plan};
use super::wanted::wanted;
use super::{find, side_by_side};
use crate::app::App;
use crate::client::FhirClient;
use crate::deadline::Deadline;
use crate::declaration::Declaration;
use crate::fhir::Subscription;

/// One subscription, as the server has it.
#[derive(Debug)]
pub(crate) struct StatusRow {
    pub(crate) endpoint: &'static str,
    pub(crate) criteria: &'static str,
    /// The Subscription's status, or `missing`.
    pub(crate) status: String,
    /// What differs from what is wanted.
    pub(crate) drift: Vec<String>,
    /// `Subscription.error`, or why the server could not be asked.
    pub(crate) error: Option<String>,
}

impl StatusRow {
    /// Whether it is there, as wanted, and works.
    pub(crate) fn is_sound(&self) -> bool {
        self.status == "active" && self.drift.is_empty()
    }
}

/// Looks at every subscription; writes nothing.
pub(crate) async fn status(app: &App, deadline: Deadline) -> Vec<StatusRow> {
    let client = app.registration_client().with_deadline(deadline);
    let declarations = app.registry().declarations().iter();
    side_by_side(
        declarations.map(|declaration| -> BoxFuture<'_, _> { Box::pin(look(app, &client, declaration)) }),
    )
    .await
}

async fn look(app: &App, client: &FhirClient, declaration: &'static Declaration) -> StatusRow {
    let (endpoint, criteria) = (declaration.endpoint, declaration.trigger.text());
    let row =
        |status: &str, drift, error| StatusRow { endpoint, criteria, status: status.into(), drift, error };
    let wanted = match wanted(declaration, app.settings()) {
        Ok(wanted) => wanted,
        Err(problems) => return row("impossible", Vec::new(), Some(problems.to_line())),
    };
    let found: Vec<Subscription> = match find(client, &wanted.url).await {
        Ok(found) => found,
        Err(error) => return row("unknown", Vec::new(), Some(error.to_string())),
    };
    let Plan { action, duplicates } = plan(&wanted, found.clone());
    let (id, mut drift) = match action {
        Action::Create => return row("missing", Vec::new(), None),
        Action::Update { id, differences, .. } => (id, differences),
        Action::Keep { id, .. } => (id, Vec::new()),
    };
    if !duplicates.is_empty() {
        drift.push(format!("{} more with this endpoint", duplicates.len()));
    }
    let kept = found.iter().find(|found| found.text("id") == Some(&id));
    let status = kept.and_then(|kept| kept.text("status")).unwrap_or("unknown");
    row(status, drift, kept.and_then(|kept| kept.text("error")).map(str::to_owned))
}
