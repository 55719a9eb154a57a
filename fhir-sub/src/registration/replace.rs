//! Puts another Subscription in the place of one that cannot be changed.
//!
//! The new one is created first, so that events are told of at each moment, even if the program dies in between: the next
//! run finds both, and deletes the old one. A server that keeps no two Subscriptions of one endpoint must be rid of the old one
//! first; if it then refuses the new one, the old one is created again.

use super::create::create;
use super::difference::differences;
use super::known::is_unsupported;
use super::plan::has_endpoint;
use super::progress::{Progress, REQUESTED};
use super::report::RowResult;
use crate::client::{Error, FhirClient};
use crate::fhir::Subscription;

/// Replaces the Subscription `id`, which is one of those that are `there`.
pub(super) async fn replace(
    client: &FhirClient,
    progress: &mut Progress<'_>,
    id: &str,
    there: &[Subscription],
) -> Result<(), Error> {
    let changes = std::mem::take(&mut progress.row.differences);
    let replaced = if progress.app.settings().fhir_server.registering.keeps_two {
        create_and_delete(client, progress, id, there).await
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
) -> Result<(), Error> {
    let replacement =
        there.iter().find(|other| other.text("id") != Some(id) && is_replacement(progress, other));
    match replacement.and_then(|other| other.text("id")) {
        // An earlier run has died before it has deleted the old one.
        Some(replacement) => {
            progress.row.done(RowResult::Updated, replacement, Some(REQUESTED.to_owned()));
        }
        None => match create(client, progress).await {
            // The server keeps no two of one endpoint after all.
            Err(error) if error.is_conflict() => {
                return delete_and_create(client, progress, id, there).await;
            }
            created => {
                created?;
            }
        },
    }
    delete(client, id).await
}

/// Whether a Subscription is what is wanted in the place of the one that is replaced.
fn is_replacement(progress: &Progress<'_>, other: &Subscription) -> bool {
    let works = ["requested", "active"].contains(&other.status_code());
    let last = progress.given(false).written;
    works
        && has_endpoint(other, &progress.wanted.url)
        && differences(&progress.wanted.resource, other, last.as_ref()).names.is_empty()
}

async fn delete_and_create(
    client: &FhirClient,
    progress: &mut Progress<'_>,
    id: &str,
    there: &[Subscription],
) -> Result<(), Error> {
    delete(client, id).await?;
    let Err(refusal) = create(client, progress).await else { return Ok(()) };
    // Whether the new one was made is not known: another look will tell.
    if refusal.status().is_some()
        && !refusal.is_transient()
        && let Some(old) = there.iter().find(|old| old.text("id") == Some(id))
    {
        let restored = client.create("Subscription", &restorable(old, &progress.wanted.resource)).await;
        if restored.is_err() {
            tracing::error!(
                "a Subscription was deleted, and the server refuses both the new one and the old one"
            );
        }
    }
    Err(refusal)
}

/// A Subscription as it was, to be created once more. Headers, which a server may hide, are those of today.
fn restorable(old: &Subscription, wanted: &Subscription) -> Subscription {
    let mut old = old.clone();
    for element in ["id", "meta", "error", "text"] {
        old.remove(element);
    }
    if let Some(status) = wanted.get("status") {
        old.set("status", status.clone());
    }
    if let Some(header) = wanted.channel().and_then(|channel| channel.get("header")) {
        old.channel_mut().insert("header".into(), header.clone());
    }
    if let Some(parameter) = wanted.get("parameter") {
        old.set("parameter", parameter.clone());
    }
    old
}

async fn delete(client: &FhirClient, id: &str) -> Result<(), Error> {
    match client.delete("Subscription", id).await {
        Err(error) if !(error.is_gone() || error.is_not_found()) => Err(error),
        _ => Ok(()),
    }
}

/// Whether the server has `DELETE`: it is asked to delete what is not there. One without `PUT` may have neither, and would
/// keep a second Subscription for good.
pub(super) async fn can_delete(client: &FhirClient) -> Result<(), Error> {
    let nobody = format!("none-{:016x}", fastrand::u64(..));
    match client.delete("Subscription", &nobody).await {
        Err(error) if is_unsupported(&error) => Err(error),
        _ => Ok(()),
    }
}
