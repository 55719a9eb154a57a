//! Removes what no handler needs: the Subscriptions of endpoints that are no longer in the program, and exact duplicates.

mod own;

use futures_core::future::BoxFuture;

use super::acceptance::accepted;
use super::difference::differences;
use super::pacing::Pacing;
use super::plan::{IdOrder, has_endpoint};
use super::report::{Row, RowResult};
use super::settle::born;
use super::wanted::{Wanted, wanted};
use super::{known, side_by_side};
use crate::app::App;
use crate::client::{Error, FhirClient};
use crate::deadline::Deadline;
use crate::fhir::Subscription;

/// Removes every Subscription whose endpoint is one segment under the base URL, as all of ours are, and is
/// not one of the program's; and of several that are all as one of `rows` wants them, all but the oldest. All
/// Subscriptions are listed and compared here: no server's search has a "starts with, by whole segments".
pub(super) async fn prune(
    app: &App,
    client: &FhirClient,
    rows: &mut [Row],
    dry_run: bool,
    pacing: &Pacing,
    deadline: Deadline,
) -> Vec<Row> {
    pacing.search().await;
    let listed = match list(app, client).await {
        Ok(listed) => listed,
        Err(error) => {
            return vec![Row::failed("*", "", format!("listing the Subscriptions failed: {error}"))];
        }
    };
    let mut left: Vec<_> = listed
        .iter()
        .filter_map(|subscription| {
            let endpoint = own::endpoint(&app.settings().base_url, subscription.endpoint()?)?.to_owned();
            app.registry().find(&endpoint).is_none().then_some((endpoint, subscription))
        })
        .collect();
    left.extend(duplicates(app, client, &listed, pacing).await);
    let removed = side_by_side(left.into_iter().map(|(endpoint, subscription)| -> BoxFuture<'_, _> {
        Box::pin(remove(client, endpoint, subscription, dry_run, pacing, deadline))
    }))
    .await;
    let is_removed = |reference: &String| {
        let of_it = |row: &&Row| row.subscription.as_ref() == Some(reference);
        removed.iter().find(of_it).is_some_and(|row| row.result == RowResult::Removed)
    };
    for row in rows {
        // The one that stays was one of the duplicates.
        if row.subscription.as_ref().is_some_and(is_removed)
            && let Some(at) = row.duplicates.iter().position(|duplicate| !is_removed(duplicate))
        {
            row.subscription = Some(row.duplicates.remove(at));
        }
        row.duplicates.retain(|duplicate| !is_removed(duplicate));
    }
    removed
}

/// All Subscriptions; where the server has no list of them, those that the program remembers.
async fn list(app: &App, client: &FhirClient) -> Result<Vec<Subscription>, Error> {
    match client.search_type::<Subscription>("Subscription", &[]).all().await {
        Err(error) if known::has_no_search(&error) => {
            let mut all = Vec::new();
            for url in app.memory().subscriptions.all().into_keys() {
                all.extend(known::find(app, client, &url).await?);
            }
            Ok(all)
        }
        listed => listed,
    }
}

/// Those of `listed` that are as a handler wants them, and not the oldest that are.
async fn duplicates<'l>(
    app: &App,
    client: &FhirClient,
    listed: &'l [Subscription],
    pacing: &Pacing,
) -> Vec<(String, &'l Subscription)> {
    let looks = app.registry().declarations().iter().filter_map(|declaration| {
        let wanted = wanted(declaration, app.settings()).ok()?;
        let exact: Vec<_> = listed.iter().filter(|listed| is_exact(app, &wanted, listed)).collect();
        (exact.len() > 1).then_some((declaration.endpoint, wanted, exact))
    });
    let looks = looks.map(|(endpoint, wanted, exact)| -> BoxFuture<'_, _> {
        Box::pin(async move {
            let Some(oldest) = oldest(app, client, &wanted, &exact, pacing).await else { return Vec::new() };
            let others = exact.into_iter().filter(|one| one.text("id") != Some(&oldest));
            others.map(|one| (endpoint.to_owned(), one)).collect()
        })
    });
    side_by_side(looks).await.into_iter().flatten().collect()
}

/// Whether the Subscription is as it is wanted, and works.
fn is_exact(app: &App, wanted: &Wanted, found: &Subscription) -> bool {
    let written = app.memory().subscriptions.known(&wanted.url).written;
    has_endpoint(found, &wanted.url)
        && matches!(found.status_code(), "active" | "requested")
        && found.text("id").is_some()
        && differences(&wanted.resource, found, written.as_ref()).names.is_empty()
}

/// The id of the oldest, if that can be known, and it is still there: the listing may be older than what it lists.
async fn oldest(
    app: &App,
    client: &FhirClient,
    wanted: &Wanted,
    exact: &[&Subscription],
    pacing: &Pacing,
) -> Option<String> {
    let ages = exact.iter().filter_map(|one| one.text("id")).map(|id| -> BoxFuture<'_, _> {
        Box::pin(async move { born(client, id, pacing).await.ok().map(|born| (born, IdOrder::of(id), id)) })
    });
    let ages: Option<Vec<_>> = side_by_side(ages).await.into_iter().collect();
    let (_, _, id) = ages?.into_iter().min()?;
    let still = client.read::<Subscription>("Subscription", id).await.ok()?;
    is_exact(app, wanted, &still).then(|| id.to_owned())
}

async fn remove(
    client: &FhirClient,
    endpoint: String,
    subscription: &Subscription,
    dry_run: bool,
    pacing: &Pacing,
    deadline: Deadline,
) -> Row {
    let criteria = subscription.text("criteria").or_else(|| subscription.text("topic")).unwrap_or_default();
    let id = subscription.text("id").unwrap_or_default();
    let mut row = Row::new(&endpoint, criteria, RowResult::Removed);
    row.subscription = Some(format!("Subscription/{id}"));
    if dry_run {
        return row;
    }
    pacing.write().await;
    // HAPI brings back what is deleted while it is being activated.
    if subscription.status_code() == "requested" && !accepted(client, id, deadline).await {
        row.result = RowResult::Failed;
        row.message = Some("the server has not yet accepted it: prune once more".into());
    } else if let Err(error) = client.delete("Subscription", id).await
        && !(error.is_gone() || error.is_not_found())
    {
        row.result = RowResult::Failed;
        row.message = Some(format!("removing it failed: {error}"));
    }
    row
}

#[cfg(test)]
mod tests;
