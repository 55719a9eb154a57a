//! Of several Subscriptions that were created at once, one stays.

use futures_core::future::BoxFuture;

use super::acceptance::accepted;
use super::pacing::Pacing;
use super::plan::{IdOrder, has_endpoint};
use super::progress::Progress;
use super::side_by_side;
use crate::client::{Error, FhirClient};
use crate::deadline::Deadline;
use crate::fhir::Subscription;

/// What has become of the Subscription that this run has created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// It stays, or there was none.
    Kept,
    /// An older one is there, and it was deleted.
    Withdrawn,
    /// Whether an older one is there cannot be known now, or it could not be deleted.
    Unknown,
}

/// Leaves the oldest of those `found`: one that this run created itself, and that is not the oldest, is deleted.
/// No other is.
pub(super) async fn settle(
    client: &FhirClient,
    progress: &mut Progress<'_>,
    found: &[Subscription],
    pacing: &Pacing,
    deadline: Deadline,
) -> Settled {
    let Some(own) = progress.created.clone() else { return Settled::Kept };
    let mut ids: Vec<_> = found
        .iter()
        .filter(|found| has_endpoint(found, &progress.wanted.url))
        .filter_map(|found| found.text("id"))
        .map(str::to_owned)
        .collect();
    if ids.iter().all(|id| *id == own) {
        return Settled::Kept;
    }
    if !ids.contains(&own) {
        ids.push(own.clone());
    }
    let ages = ids.into_iter().map(|id| -> BoxFuture<'_, _> {
        Box::pin(async move { born(client, &id, pacing).await.map(|born| (born, IdOrder::of(&id), id)) })
    });
    let ages: Result<Vec<_>, Error> = side_by_side(ages).await.into_iter().collect();
    // Whoever deletes on a guess may delete the last.
    let Ok(ages) = ages else { return Settled::Unknown };
    let oldest = ages.into_iter().min_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    if oldest.is_none_or(|(_, _, oldest)| oldest == own) {
        return Settled::Kept;
    }
    pacing.write().await;
    // HAPI brings back what is deleted while it is being activated.
    if !accepted(client, &own, deadline).await || client.delete("Subscription", &own).await.is_err() {
        return Settled::Unknown;
    }
    progress.created = None;
    Settled::Withdrawn
}

/// When the Subscription was created, as a FHIR `instant`; the end of time where the server does not say.
///
/// The activation makes a second version, so it is the first version's time that tells.
pub(super) async fn born(client: &FhirClient, id: &str, pacing: &Pacing) -> Result<String, Error> {
    const UNKNOWN: &str = "9999";
    pacing.history().await;
    let versions = match client.history::<Subscription>("Subscription", id).all().await {
        Ok(versions) => versions,
        // A server without histories says so each time.
        Err(error) if error.status().is_some() && !error.is_transient() => Vec::new(),
        Err(error) => return Err(error),
    };
    let resources = versions.iter().filter_map(|version| version.resource.as_ref());
    let times = resources.filter_map(|resource| resource.get("meta")?.get("lastUpdated")?.as_str());
    Ok(times.min().unwrap_or(UNKNOWN).to_owned())
}
