//! Removes the Subscriptions of endpoints that are no longer in the program.

use futures_core::future::BoxFuture;

use super::report::{Row, RowResult};
use super::side_by_side;
use crate::app::App;
use crate::client::FhirClient;
use crate::fhir::Subscription;

/// Removes every Subscription whose endpoint is one segment under the base URL, as all of ours are, and is
/// not one of the program's. All Subscriptions are listed and compared here: no server's search has a
/// "starts with, by whole segments".
pub(super) async fn prune(app: &App, client: &FhirClient, dry_run: bool) -> Vec<Row> {
    let listed = client.search::<Subscription>("Subscription", &[]).all().await;
    let listed = match listed {
        Ok(listed) => listed,
        Err(error) => {
            return vec![Row::failed("*", "", format!("listing the Subscriptions failed: {error}"))];
        }
    };
    let left = listed.into_iter().filter_map(|subscription| {
        let endpoint = own_endpoint(app, &subscription)?.to_owned();
        app.registry().find(&endpoint).is_none().then_some((endpoint, subscription))
    });
    side_by_side(left.map(|(endpoint, subscription)| -> BoxFuture<'_, _> {
        Box::pin(remove(client, endpoint, subscription, dry_run))
    }))
    .await
}

async fn remove(client: &FhirClient, endpoint: String, subscription: Subscription, dry_run: bool) -> Row {
    let criteria = subscription.text("criteria").or_else(|| subscription.text("topic")).unwrap_or_default();
    let id = subscription.text("id").unwrap_or_default();
    let mut row = Row::new(&endpoint, criteria, RowResult::Removed);
    row.subscription = Some(format!("Subscription/{id}"));
    if !dry_run && let Err(error) = client.delete("Subscription", id).await {
        row.result = RowResult::Failed;
        row.message = Some(format!("removing it failed: {error}"));
    }
    row
}

/// The endpoint of a Subscription that is under the app's base URL.
fn own_endpoint<'s>(app: &App, subscription: &'s Subscription) -> Option<&'s str> {
    let segment =
        subscription.endpoint()?.strip_prefix(app.settings().base_url.as_str())?.strip_prefix('/')?;
    (!segment.is_empty() && !segment.contains(['/', '?', '#'])).then_some(segment)
}
