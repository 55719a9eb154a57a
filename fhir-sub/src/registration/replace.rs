//! Replaces a Subscription that cannot be changed.
//!
//! The new one is created first, so that no event is missed, even if the program dies in between: the next
//! run finds both, and deletes the old one. HealthLake takes minutes to activate the new one: there, the old one
//! stays until a run finds the new one active. Some servers do not allow two Subscriptions with one endpoint:
//! there, the old one is deleted first. If the server then refuses the new one, the old one is created again.

use super::create::create;
use super::delete::delete;
use super::difference::{Difference, differences};
use super::known::{Created, is_unsupported, remember};
use super::pacing::Pacing;
use super::plan::{has_endpoint, works};
use super::progress::{Progress, REQUESTED};
use super::report::RowResult;
use crate::client::{Error, FhirClient};
use crate::fhir::Subscription;

/// Replaces the Subscription `id`, which is one of `there`. With `rewrite`, one whose secret is hidden is not the
/// replacement: it may have the old secret.
pub(super) async fn replace(
    client: &FhirClient,
    progress: &mut Progress<'_>,
    id: &str,
    there: &[Subscription],
    rewrite: bool,
) -> Result<(), Error> {
    let changes = std::mem::take(&mut progress.row.differences);
    let replaced = if progress.app.settings().fhir_server.registering.keeps_two {
        create_and_delete(client, progress, id, there, rewrite).await
    } else {
        delete_and_create(client, progress, id, there).await
    };
    progress.row.differences = changes;
    replaced?;
    progress.row.result = RowResult::Updated;
    Ok(())
}

async fn create_and_delete(
    client: &FhirClient,
    progress: &mut Progress<'_>,
    id: &str,
    there: &[Subscription],
    rewrite: bool,
) -> Result<(), Error> {
    let replacement =
        there.iter().find(|other| other.text("id") != Some(id) && is_replacement(progress, other, rewrite));
    match replacement.and_then(|other| other.text("id")) {
        // An earlier run died before it deleted the old one.
        Some(replacement) => {
            progress.row.done(RowResult::Updated, replacement, Some(REQUESTED.to_owned()));
        }
        None => match create(client, progress, Some(id)).await {
            // It turns out that the server does not allow two Subscriptions with one endpoint.
            Err(error) if error.is_conflict() => {
                return delete_and_create(client, progress, id, there).await;
            }
            created => {
                created?;
            }
        },
    }
    if progress.wanted.keeps_old_one {
        delete_others(client, progress, id, there).await?;
    }
    // The old Subscription still reports events: `delete_superseded` deletes it.
    if progress.superseded.iter().any(|old| old == id) {
        return Ok(());
    }
    delete(client, id).await
}

/// Deletes earlier replacements of the Subscription `id`: the server did not accept them, or they are not wanted any more.
/// Otherwise each run could leave one more.
async fn delete_others(
    client: &FhirClient,
    progress: &mut Progress<'_>,
    id: &str,
    there: &[Subscription],
) -> Result<(), Error> {
    // A failed one of an earlier deployment is older than the new one, so `settle` would withdraw the new one.
    let is_failed =
        |other: &&Subscription| other.status_code() == "error" && has_endpoint(other, &progress.wanted.url);
    let failed = there.iter().filter(is_failed);
    let failed = failed.filter_map(|failed| failed.text("id"));
    let others = failed.chain(progress.superseded.iter().map(String::as_str)).filter(|other| *other != id);
    for other in others {
        delete(client, other).await?;
    }
    progress.superseded.retain(|old| old == id);
    Ok(())
}

/// Deletes the old Subscriptions once the new one is active. Until then, the row says that they stay: the server
/// reports events to them only.
pub(super) async fn delete_superseded(client: &FhirClient, progress: &mut Progress<'_>, pacing: &Pacing) {
    if progress.superseded.is_empty() {
        return;
    }
    if progress.row.result == RowResult::Failed || progress.row.status.as_deref() != Some("active") {
        return progress.tell_superseded();
    }
    for id in &progress.superseded {
        pacing.write().await;
        if let Err(error) = delete(client, id).await {
            return progress.row.fail("deleting the old one", &error);
        }
    }
    if progress.row.result == RowResult::Unchanged {
        progress.row.result = RowResult::Updated;
    }
}

/// Whether a Subscription is the wanted replacement.
fn is_replacement(progress: &Progress<'_>, other: &Subscription, rewrite: bool) -> bool {
    let last = progress.given(false).written;
    let Difference { names, hidden } = differences(&progress.wanted.resource, other, last.as_ref());
    works(other)
        && has_endpoint(other, &progress.wanted.url)
        && names.is_empty()
        && (hidden.is_empty() || !rewrite)
}

async fn delete_and_create(
    client: &FhirClient,
    progress: &mut Progress<'_>,
    id: &str,
    there: &[Subscription],
) -> Result<(), Error> {
    delete(client, id).await?;
    progress.superseded.retain(|old| old != id);
    let Err(refusal) = create(client, progress, Some(id)).await else { return Ok(()) };
    // The server may have created the new one: another read shows it.
    if refusal.status().is_some()
        && !refusal.is_transient()
        && let Some(old) = there.iter().find(|old| old.text("id") == Some(id))
    {
        let restored = client.create("Subscription", &restorable(old, &progress.wanted.resource)).await;
        match restored {
            Ok(restored) => {
                if let Some(restored) = &restored.id {
                    let created =
                        Created { id: restored, replaces: Some(id), is_found_by_id: progress.is_found_by_id };
                    remember(progress.app, client, &progress.wanted.url, created).await;
                }
            }
            Err(_) => tracing::error!(
                "a Subscription was deleted, and the server refuses both the new one and the old one"
            ),
        }
    }
    Err(refusal)
}

/// The old Subscription, to be created again. Its headers and its way to fetch a token are the present ones, because a server
/// may hide the old ones.
fn restorable(old: &Subscription, wanted: &Subscription) -> Subscription {
    let mut old = old.clone();
    for element in ["id", "meta", "error", "text"] {
        old.remove(element);
    }
    if let Some(status) = wanted.get("status") {
        old.set("status", status.clone());
    }
    for element in ["header", "_type"] {
        if let Some(present) = wanted.channel().and_then(|channel| channel.get(element)) {
            old.channel_mut().insert(element.into(), present.clone());
        }
    }
    if let Some(parameter) = wanted.get("parameter") {
        old.set("parameter", parameter.clone());
    }
    old
}

/// Whether the server supports `DELETE`: it is asked to delete an id that does not exist. A server without
/// `PUT` may lack `DELETE` too, and then a second Subscription would stay for ever.
pub(super) async fn can_delete(client: &FhirClient) -> Result<(), Error> {
    let nobody = format!("none-{:016x}", fastrand::u64(..));
    match client.delete("Subscription", &nobody).await {
        Err(error) if is_unsupported(&error) => Err(error),
        _ => Ok(()),
    }
}
