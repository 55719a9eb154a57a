//! The Subscription of a declaration, as a sweep needs it: whether it works, and since when it is there.

use serde_json::Value;

use super::find;
use super::plan::{Action, Given, Plan, plan};
use super::wanted::wanted;
use crate::app::App;
use crate::client::{Error, FhirClient};
use crate::declaration::Declaration;
use crate::fhir::{Instant, Subscription};

/// A Subscription, as the server has it.
#[derive(Debug)]
pub(crate) struct Located {
    pub(crate) id: String,
    pub(crate) status: String,
    /// What came of writing it once more, where the server had given it up.
    pub(crate) rearmed: Option<Result<(), Error>>,
    updated: Option<Instant>,
}

/// Looks for the Subscription of `declaration`, and arms it again where the server has put it in `error`, or says that it
/// itself turned it `off`: another one that is `off` was turned off by an operator, or for good. `None` where the server has none, or has no Subscriptions.
pub(crate) async fn locate(
    app: &App,
    client: &FhirClient,
    declaration: &'static Declaration,
) -> Result<Option<Located>, Error> {
    // What the server cannot be asked for it does not have.
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
    // Where the server does not say who turned it off, an operator did.
    let is_given_up = status == "error" || (status == "off" && given.turns_off.is_some() && !is_left_off);
    let rearmed = match again.filter(|_| is_given_up) {
        None => None,
        Some((version_id, resource)) => {
            let update = client.update("Subscription", &id, &resource);
            let update = match version_id {
                Some(version_id) => update.if_match(&version_id).await,
                None => update.await,
            };
            Some(update.map(drop))
        }
    };
    let kept = found.iter().find(|found| found.text("id") == Some(&id));
    let updated = kept.and_then(last_updated);
    Ok(Some(Located { id, status, rearmed, updated }))
}

/// When the Subscription was created: when its first version was written, else as early as the server remembers.
pub(crate) async fn created(client: &FhirClient, located: &Located) -> Option<Instant> {
    let id = &located.id;
    if let Ok(first) = client.vread::<Subscription>("Subscription", id, "1").await
        && let Some(created) = last_updated(&first)
    {
        return Some(created);
    }
    // Medplum's versions have names of another kind.
    let (mut history, mut oldest) = (client.history::<Subscription>("Subscription", id), located.updated);
    for _ in 0..VERSIONS {
        let Some(Ok(version)) = history.next().await else { break };
        let written = version.resource.as_ref().and_then(last_updated);
        oldest = oldest.into_iter().chain(written).min();
    }
    oldest
}

/// The most versions that are looked through: a server may keep a Subscription's state in it.
const VERSIONS: usize = 1_000;

fn last_updated(subscription: &Subscription) -> Option<Instant> {
    Instant::parse(subscription.get("meta")?.get("lastUpdated").and_then(Value::as_str)?)
}
