//! Finds the Subscription of a declaration for a sweep: whether it works, and when it was created.

use std::fmt;

use serde_json::Value;

use super::find;
use super::heartbeats;
use super::known::{FindError, is_unsupported};
use super::plan::{Action, Given, Plan, plan};
use super::wanted::wanted;
use crate::app::App;
use crate::client::{Error, FhirClient};
use crate::declaration::Declaration;
use crate::fhir::{Instant, Subscription};

/// A Subscription on the server.
#[derive(Debug)]
pub(crate) struct Located {
    pub(crate) id: String,
    pub(crate) status: String,
    /// The result of writing it once more, if the server had given it up.
    pub(crate) rearmed: Option<Result<(), NotRearmed>>,
    updated: Option<Instant>,
}

/// Why a Subscription that the server had given up still does not work.
#[derive(Debug)]
pub(crate) enum NotRearmed {
    Failed(Error),
    /// The server changes no Subscription. A registration creates another one, and deletes this one.
    Unchangeable,
}

impl fmt::Display for NotRearmed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => write!(formatter, "writing it once more failed: {error}"),
            Self::Unchangeable => {
                formatter.write_str("cannot change it: run `register`, which creates another one")
            }
        }
    }
}

/// Finds the Subscription of `declaration`. Re-arms it if the server has put it in `error`, or says that the server
/// itself turned it `off`. Otherwise a Subscription that is `off` stays off. `None` if the server does not have it, or
/// has no Subscriptions.
pub(crate) async fn locate(
    app: &App,
    client: &FhirClient,
    declaration: &'static Declaration,
) -> Result<Option<Located>, FindError> {
    // The server cannot have a Subscription that it does not support.
    let Ok(wanted) = wanted(declaration, app.settings()) else { return Ok(None) };
    let found = match find(app, client, &wanted).await {
        Ok(found) => found.all,
        Err(error) if matches!(error.status(), Some(400 | 404 | 405 | 410 | 501)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let given = Given::of(app, &wanted.url);
    let Plan { action, is_left_off, .. } = plan(&wanted, found.clone(), &given);
    let (id, status, again) = match action {
        Action::Create => return Ok(None),
        Action::Keep { id, status } => (id, status, None),
        Action::Update { id, version_id, status, resource, .. } => (id, status, Some((version_id, resource))),
    };
    // If the server does not say who turned it off, an operator did.
    let is_given_up = status == "error" || (status == "off" && given.turns_off.is_some() && !is_left_off);
    let rearmed = match again.filter(|_| is_given_up) {
        None => None,
        Some(_) if !wanted.is_changeable => Some(Err(NotRearmed::Unchangeable)),
        Some((version_id, resource)) => {
            let update = client.update("Subscription", &id, &resource);
            let update = match version_id {
                Some(version_id) => update.if_match(&version_id).await,
                None => update.await,
            };
            Some(match update {
                Err(error) if is_unsupported(&error) => Err(NotRearmed::Unchangeable),
                Err(error) => Err(NotRearmed::Failed(error)),
                Ok(_) => Ok(()),
            })
        }
    };
    let kept = found.iter().find(|found| found.text("id") == Some(&id));
    heartbeats::note(app, declaration, &wanted, kept);
    let updated = kept.and_then(last_updated);
    Ok(Some(Located { id, status, rearmed, updated }))
}

/// When the Subscription was created: the time of its first version, or of the oldest version that the server
/// still has. An error means that the server may say it later.
pub(crate) async fn created(client: &FhirClient, located: &Located) -> Result<Option<Instant>, Error> {
    let id = &located.id;
    match client.vread::<Subscription>("Subscription", id, "1").await {
        Ok(first) => {
            if let Some(created) = last_updated(&first) {
                return Ok(Some(created));
            }
        }
        Err(error) if is_passing(&error) => return Err(error),
        // Medplum's version ids are not numbers.
        Err(_) => {}
    }
    let (mut history, mut oldest) = (client.history::<Subscription>("Subscription", id), located.updated);
    for _ in 0..VERSIONS {
        let version = match history.next().await {
            Some(Ok(version)) => version,
            Some(Err(error)) if is_passing(&error) => return Err(error),
            Some(Err(_)) | None => break,
        };
        let written = version.resource.as_ref().and_then(last_updated);
        oldest = oldest.into_iter().chain(written).min();
    }
    Ok(oldest)
}

/// Whether the same question may be answered later. A server without a history may answer 500 each time.
fn is_passing(error: &Error) -> bool {
    error.is_transient() && error.status() != Some(500)
}

/// The most versions that are read: a server may keep the state of a Subscription in it.
const VERSIONS: usize = 1_000;

fn last_updated(subscription: &Subscription) -> Option<Instant> {
    Instant::parse(subscription.get("meta")?.get("lastUpdated").and_then(Value::as_str)?)
}
