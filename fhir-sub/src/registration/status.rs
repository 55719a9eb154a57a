//! What the server has, beside what is wanted.

use futures_core::future::BoxFuture;

use super::counter::counter;
use super::plan::{Action, Plan, plan};
use super::recognise::recognise;
use super::wanted::wanted;
use super::{find, side_by_side};
use crate::app::App;
use crate::client::FhirClient;
use crate::deadline::Deadline;
use crate::declaration::{Declaration, Trigger};
use crate::fhir::Subscription;

/// One subscription, as the server has it.
#[derive(Debug)]
pub(crate) struct StatusRow {
    pub(crate) endpoint: &'static str,
    /// The criteria, or the topic.
    pub(crate) criteria: &'static str,
    /// The Subscription on the server: `Subscription/1`.
    pub(crate) subscription: Option<String>,
    /// The Subscription's status, or `missing`.
    pub(crate) status: String,
    /// What differs from what is wanted.
    pub(crate) drift: Vec<String>,
    /// Why the server could not be asked.
    pub(crate) message: Option<String>,
    /// `Subscription.error`, for the terminal of whoever asks: it is in no answer and in no log.
    pub(crate) diagnostics: Option<String>,
    /// How many events the server says there have been, of a topic.
    pub(crate) events: Option<u64>,
}

impl StatusRow {
    fn new(declaration: &Declaration, status: &str, message: Option<String>) -> Self {
        Self {
            endpoint: declaration.endpoint,
            criteria: declaration.trigger.text(),
            subscription: None,
            status: status.to_owned(),
            drift: Vec::new(),
            message,
            diagnostics: None,
            events: None,
        }
    }

    /// Whether it is there, as wanted, and works.
    pub(crate) fn is_sound(&self) -> bool {
        self.status == "active" && self.drift.is_empty()
    }
}

/// Looks at every subscription; writes nothing.
pub(crate) async fn status(app: &App, deadline: Deadline) -> Vec<StatusRow> {
    let declarations = app.registry().declarations().iter();
    let app = &match recognise(app, &app.provided().fhir_client().with_deadline(deadline)).await {
        Ok(app) => app,
        Err(message) => {
            let unknown = |declaration| StatusRow::new(declaration, "unknown", Some(message.clone()));
            return declarations.map(|declaration| unknown(declaration)).collect();
        }
    };
    let client = app.registration_client().with_deadline(deadline);
    side_by_side(
        declarations.map(|declaration| -> BoxFuture<'_, _> { Box::pin(look(app, &client, declaration)) }),
    )
    .await
}

async fn look(app: &App, client: &FhirClient, declaration: &'static Declaration) -> StatusRow {
    let row = |status: &str, message| StatusRow::new(declaration, status, message);
    let wanted = match wanted(declaration, app.settings()) {
        Ok(wanted) => wanted,
        Err(problems) => return row("impossible", Some(problems.to_line())),
    };
    let found: Vec<Subscription> = match find(client, &wanted).await {
        Ok(found) => found,
        Err(error) => return row("unknown", Some(error.to_string())),
    };
    let Plan { action, duplicates } = plan(&wanted, found.clone());
    let (id, mut drift) = match action {
        Action::Create => return row("missing", None),
        Action::Update { id, differences, .. } => (id, differences),
        Action::Keep { id, .. } => (id, Vec::new()),
    };
    if !duplicates.is_empty() {
        drift.push(format!("{} more with this endpoint", duplicates.len()));
    }
    let kept = found.iter().find(|found| found.text("id") == Some(&id));
    let status = kept.map_or("unknown", Subscription::status_code);
    let error = kept.and_then(|kept| kept.text("error"));
    let events = match declaration.trigger {
        Trigger::Topic(_) => counter(client, &id).await,
        Trigger::Criteria(_) => None,
    };
    StatusRow {
        subscription: Some(format!("Subscription/{id}")),
        drift,
        diagnostics: error.map(|error| app.settings().secrets.hide_in(error)),
        events,
        ..row(status, None)
    }
}
