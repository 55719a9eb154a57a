//! Removes Subscriptions that no handler needs: their endpoints are no longer in the program, or they are exact
//! duplicates.

mod own;

use fhir_sub_search::search::is_same;
use futures_core::future::BoxFuture;

use super::acceptance::accepted;
use super::delete::delete;
use super::difference::{Difference, differences};
use super::hidden::LIMITED;
use super::known::{self, FindError};
use super::pacing::Pacing;
use super::plan::{IdOrder, has_endpoint};
use super::report::{Row, RowResult};
use super::settle::born;
use super::side_by_side;
use super::wanted::{Wanted, wanted};
use crate::app::App;
use crate::client::FhirClient;
use crate::deadline::Deadline;
use crate::fhir::Subscription;

/// Removes each Subscription with an endpoint of one segment under the base URL, unless the program has that
/// endpoint. Also removes duplicates: of several Subscriptions that are as one of `rows` wants them, only the
/// oldest with the exact URL stays. All Subscriptions are listed and compared here, because no server can search for "starts
/// with, by whole segments".
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
    left.extend(duplicates(app, client, &listed, rows, pacing).await);
    let removed = side_by_side(left.into_iter().map(|(endpoint, subscription)| -> BoxFuture<'_, _> {
        Box::pin(remove(client, endpoint, subscription, dry_run, pacing, deadline))
    }))
    .await;
    let is_removed = |reference: &String| {
        let of_it = |row: &&Row| row.subscription.as_ref() == Some(reference);
        removed.iter().find(of_it).is_some_and(|row| row.result == RowResult::Removed)
    };
    for row in rows {
        // The remaining Subscription was listed as a duplicate.
        if row.subscription.as_ref().is_some_and(is_removed)
            && let Some(at) = row.duplicates.iter().position(|duplicate| !is_removed(duplicate))
        {
            row.subscription = Some(row.duplicates.remove(at));
        }
        row.duplicates.retain(|duplicate| !is_removed(duplicate));
    }
    removed
}

/// All Subscriptions. If the server cannot list them, those that the program remembers.
async fn list(app: &App, client: &FhirClient) -> Result<Vec<Subscription>, FindError> {
    match client.search_type::<Subscription>("Subscription", &[]).all().await {
        Err(error) if known::has_no_search(&error) => {
            let mut all = Vec::new();
            for url in app.memory().subscriptions.all().into_keys() {
                all.extend(known::find(app, client, &url).await?);
            }
            Ok(all)
        }
        listed => Ok(listed?),
    }
}

/// The Subscriptions of `listed` that are as a handler wants them, without the oldest one. Registration finds
/// its Subscription by the exact URL, so one with that URL stays.
///
/// Where the server hides the secret, any of them may have an earlier one. Then the one stays that this run has written, and
/// without such a one, all stay.
async fn duplicates<'l>(
    app: &App,
    client: &FhirClient,
    listed: &'l [Subscription],
    rows: &[Row],
    pacing: &Pacing,
) -> Vec<(String, &'l Subscription)> {
    let looks = app.registry().declarations().iter().filter_map(|declaration| {
        let wanted = wanted(declaration, app.settings()).ok()?;
        let alike = listed.iter().filter_map(|listed| {
            let is_exact = has_endpoint(listed, &wanted.url);
            (is_exact || is_its(app, declaration.endpoint, listed)).then_some((is_exact, listed))
        });
        let alike: Vec<_> = alike.filter(|(_, listed)| is_as_wanted(app, &wanted, listed)).collect();
        let is_hidden = alike.iter().any(|(_, listed)| hides_secret(&wanted, listed));
        let written = is_hidden.then(|| written(rows, declaration.endpoint));
        if written == Some(None) {
            return None;
        }
        let is_kept = |id: Option<&str>| written.flatten().is_none_or(|written| id == Some(written));
        let (exact, respelt): (Vec<_>, Vec<_>) =
            alike.into_iter().partition(|(is_exact, listed)| *is_exact && is_kept(listed.text("id")));
        let all = exact.len() + respelt.len();
        (all > 1 && !exact.is_empty()).then_some((declaration.endpoint, wanted, exact, respelt))
    });
    let looks = looks.map(|(endpoint, wanted, exact, respelt)| -> BoxFuture<'_, _> {
        Box::pin(async move {
            let is_any_active = exact.iter().chain(&respelt).any(|(_, one)| is_active(one));
            let exact: Vec<_> = exact.into_iter().map(|(_, one)| one).collect();
            let Some((oldest, still)) = oldest(app, client, &wanted, &exact, pacing).await else {
                return Vec::new();
            };
            // The server may never accept the oldest one. Then the others report the events.
            if is_any_active && !is_active(&still) {
                return Vec::new();
            }
            let others = exact.into_iter().filter(|one| one.text("id") != Some(&oldest));
            let others = others.chain(respelt.into_iter().map(|(_, one)| one));
            others.map(|one| (endpoint.to_owned(), one)).collect()
        })
    });
    side_by_side(looks).await.into_iter().flatten().collect()
}

/// Whether the Subscription's URL is certainly the one of `endpoint`, for instance with a default port.
fn is_its(app: &App, endpoint: &str, found: &Subscription) -> bool {
    found.endpoint().and_then(|url| own::endpoint(&app.settings().base_url, url)) == Some(endpoint)
}

/// Whether the Subscription does what is wanted, and works: its URL and its criteria may be spelt in another
/// way.
fn is_as_wanted(app: &App, wanted: &Wanted, found: &Subscription) -> bool {
    let written = app.memory().subscriptions.known(&wanted.url).written;
    matches!(found.status_code(), "active" | "requested")
        && found.text("id").is_some()
        && differences(&wanted.resource, &respelt(wanted, found), written.as_ref()).names.is_empty()
}

/// Whether the server hides the secret of the Subscription, so that it may be another one than the program's: what it shows is
/// right only as what it shows of the program's own write.
fn hides_secret(wanted: &Wanted, found: &Subscription) -> bool {
    let Difference { names, hidden } = differences(&wanted.resource, &respelt(wanted, found), None);
    !names.is_empty() || hidden.iter().any(|name| !LIMITED.contains(name))
}

/// The Subscription with its URL and its criteria as they are wanted, if they only differ in spelling.
fn respelt(wanted: &Wanted, found: &Subscription) -> Subscription {
    let mut alike = found.clone();
    if let (Some(own), Some(criteria)) = (wanted.resource.text("criteria"), found.text("criteria"))
        && wanted.topic.is_none()
        && is_same(own, criteria)
    {
        alike.set("criteria", own);
    }
    if found.get("endpoint").is_some() {
        alike.set("endpoint", wanted.url.as_str());
    } else {
        alike.channel_mut().insert("endpoint".into(), wanted.url.as_str().into());
    }
    alike
}

/// The id of the Subscription of `endpoint` that this run has written.
fn written<'r>(rows: &'r [Row], endpoint: &str) -> Option<&'r str> {
    let is_written = |row: &&Row| matches!(row.result, RowResult::Created | RowResult::Updated);
    let row = rows.iter().find(|row| row.endpoint == endpoint && is_written(row))?;
    row.subscription.as_deref()?.strip_prefix("Subscription/")
}

fn is_active(subscription: &Subscription) -> bool {
    subscription.status_code() == "active"
}

/// The id of the oldest one, and the oldest one as it is now, if it can be determined and still exists: the list may be
/// out of date.
async fn oldest(
    app: &App,
    client: &FhirClient,
    wanted: &Wanted,
    exact: &[&Subscription],
    pacing: &Pacing,
) -> Option<(String, Subscription)> {
    let ages = exact.iter().filter_map(|one| one.text("id")).map(|id| -> BoxFuture<'_, _> {
        Box::pin(async move { born(client, id, pacing).await.ok().map(|born| (born, IdOrder::of(id), id)) })
    });
    let ages: Option<Vec<_>> = side_by_side(ages).await.into_iter().collect();
    let (_, _, id) = ages?.into_iter().min()?;
    let still = client.read::<Subscription>("Subscription", id).await.ok()?;
    (has_endpoint(&still, &wanted.url) && is_as_wanted(app, wanted, &still)).then(|| (id.to_owned(), still))
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
    // HAPI brings back a Subscription that is deleted during its activation.
    if subscription.status_code() == "requested" && !accepted(client, id, deadline).await {
        row.result = RowResult::Failed;
        row.message = Some("the server has not yet accepted it: prune once more".into());
    } else if let Err(error) = delete(client, id).await {
        row.result = RowResult::Failed;
        row.message = Some(format!("removing it failed: {error}"));
    }
    row
}

#[cfg(test)]
mod tests;
