//! If several Subscriptions were created at the same time, one stays.

use futures_core::future::BoxFuture;

use super::acceptance::accepted;
use super::delete::delete;
use super::pacing::Pacing;
use super::plan::{IdOrder, has_endpoint};
use super::progress::Progress;
use super::side_by_side;
use crate::client::{Error, FhirClient};
use crate::deadline::Deadline;
use crate::fhir::Subscription;

/// The fate of the Subscription that this run created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// It stays, or this run created none.
    Kept,
    /// An older one exists, so it was deleted.
    Withdrawn,
    /// Whether an older one exists is unknown now, or it could not be deleted.
    Unknown,
}

/// Keeps the oldest of the Subscriptions `found`. Deletes only a Subscription that this run created and that
/// is not the oldest.
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
        // The superseded Subscriptions are older, and stay only until the new one is active.
        .filter(|id| !progress.superseded.iter().any(|old| old == id))
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
    // To delete on a guess might delete the last one.
    let Ok(ages) = ages else { return Settled::Unknown };
    let oldest = ages.into_iter().min_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    if oldest.is_none_or(|(_, _, oldest)| oldest == own) {
        return Settled::Kept;
    }
    pacing.write().await;
    // HAPI brings back a Subscription that is deleted during its activation.
    if !accepted(client, &own, deadline).await || delete(client, &own).await.is_err() {
        return Settled::Unknown;
    }
    progress.created = None;
    Settled::Withdrawn
}

/// When the Subscription was created, as a FHIR `instant`. If the server does not say, the end of time.
///
/// It is the time of the first version, because the activation writes a second one.
pub(super) async fn born(client: &FhirClient, id: &str, pacing: &Pacing) -> Result<String, Error> {
    const UNKNOWN: &str = "9999";
    pacing.history().await;
    let versions = match client.history::<Subscription>("Subscription", id).all().await {
        Ok(versions) => versions,
        // A server without histories always answers like this.
        Err(error) if error.status().is_some() && !error.is_transient() => Vec::new(),
        Err(error) => return Err(error),
    };
    let resources = versions.iter().filter_map(|version| version.resource.as_ref());
    let times = resources.filter_map(|resource| resource.get("meta")?.get("lastUpdated")?.as_str());
    Ok(times.min().unwrap_or(UNKNOWN).to_owned())
}
