//! The Subscriptions on the server, compared with the wanted ones.

use futures_core::future::BoxFuture;

use super::counter::counter;
use super::ended::ended;
use super::plan::{Action, Given, Plan, plan};
use super::progress::{not_shown, still_there};
use super::recognise::recognise;
use super::wanted::wanted;
use super::{Found, asked, deliveries, find, heartbeats, known, side_by_side};
use crate::app::App;
use crate::client::FhirClient;
use crate::deadline::Deadline;
use crate::declaration::{Declaration, Trigger};
use crate::fhir::Subscription;
use crate::silence;

/// One subscription, as the server has it.
#[derive(Debug)]
pub(crate) struct StatusRow {
    pub(crate) endpoint: &'static str,
    /// The criteria, or the topic.
    pub(crate) criteria: String,
    /// The Subscription on the server: `Subscription/1`.
    pub(crate) subscription: Option<String>,
    /// The Subscription's status, or `missing`.
    pub(crate) status: String,
    /// The elements that differ from the wanted ones.
    pub(crate) drift: Vec<String>,
    /// Why the server could not be asked.
    pub(crate) message: Option<String>,
    /// `Subscription.error`, for the terminal only: no answer and no log contains it.
    pub(crate) diagnostics: Option<String>,
    /// The number of a topic's events, as the server counts them.
    pub(crate) events: Option<u64>,
    /// The number of heartbeats that the server has promised and that did not come.
    pub(crate) missed: u64,
    /// Remarks that are no errors.
    pub(crate) notes: Vec<String>,
}

impl StatusRow {
    fn new(declaration: &Declaration, status: &str, message: Option<String>) -> Self {
        Self {
            endpoint: declaration.endpoint,
            criteria: declaration.trigger.text().to_owned(),
            subscription: None,
            status: status.to_owned(),
            drift: Vec::new(),
            message,
            diagnostics: None,
            events: None,
            missed: 0,
            notes: Vec::new(),
        }
    }

    /// Whether it exists as wanted, and works.
    pub(crate) fn is_sound(&self) -> bool {
        self.status == "active" && self.drift.is_empty() && self.missed == 0
    }
}

/// Reads every subscription, and writes nothing.
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
    let criteria = asked::criteria(declaration, app.settings());
    let row = |status: &str, message| StatusRow {
        criteria: criteria.clone(),
        ..StatusRow::new(declaration, status, message)
    };
    let wanted = match wanted(declaration, app.settings()) {
        Ok(wanted) => wanted,
        Err(problems) => return row("impossible", Some(problems.to_line())),
    };
    let found = match find(app, client, &wanted).await {
        Ok(found) => found,
        Err(error) => return row("unknown", Some(error.to_string())),
    };
    let Found { all: found, by_search } = found;
    let Plan { action, duplicates, superseded, hidden, .. } =
        plan(&wanted, found.clone(), &Given::of(app, &wanted.url));
    let (id, mut drift) = match action {
        Action::Create if by_search => {
            return row("missing", ended(declaration, &wanted).map(|ended| ended.problem));
        }
        Action::Create => {
            // Da Vinci's PAS kit may not show a Subscription that it has. Then only `$status` knows it.
            let known = known::id(app, &wanted.url).await;
            if let (Trigger::Topic(_), Some(id)) = (&declaration.trigger, &known)
                && let Some(events) = counter(client, id).await
            {
                let message = "the server does not show it, but counts its events";
                return StatusRow {
                    subscription: Some(format!("Subscription/{id}")),
                    events: Some(events),
                    ..row("unknown", Some(message.into()))
                };
            }
            let message = match known {
                Some(id) => format!(
                    "the server has no search of Subscriptions, and does not show Subscription/{id}: run `register`"
                ),
                None => "the server has no search of Subscriptions, and no id of it is remembered: say --known FILE".into(),
            };
            return row("missing", Some(message));
        }
        Action::Update { id, differences, .. } => (id, differences),
        Action::Keep { id, .. } => (id, Vec::new()),
    };
    let old = (!superseded.is_empty() && !superseded.contains(&id)).then(|| still_there(&superseded));
    let more = duplicates.len() + superseded.iter().filter(|old| **old != id).count();
    if more > 0 {
        drift.push(format!("{more} more with this endpoint"));
    }
    let ended = ended(declaration, &wanted);
    if let Some(ended) = &ended {
        drift.push(format!("`{}` is past", ended.element));
    }
    let kept = found.iter().find(|found| found.text("id") == Some(&id));
    let status = kept.map_or("unknown", Subscription::status_code);
    let error = kept.and_then(|kept| kept.text("error"));
    let events = match declaration.trigger {
        Trigger::Topic(_) => counter(client, &id).await,
        Trigger::Criteria(_) => None,
    };
    let hidden = (!hidden.is_empty()).then(|| not_shown(&hidden));
    let failed = if app.settings().fhir_server.registering.audits {
        deliveries::failed(app.provided().fhir_client(), &id).await
    } else {
        None
    };
    heartbeats::note(app, declaration, &wanted, kept);
    let silence = silence::look(app, declaration).await;
    let missed = silence.map_or(0, |silence| silence.missed);
    let silence = silence.map(|silence| silence.words(app.now()));
    let ended = ended.map(|ended| ended.problem);
    let notes: Vec<_> = [ended, old, hidden, failed, silence].into_iter().flatten().collect();
    StatusRow {
        subscription: Some(format!("Subscription/{id}")),
        drift,
        diagnostics: error.map(|error| app.settings().secrets.hide_in(error)),
        events,
        missed,
        notes,
        ..row(status, None)
    }
}
