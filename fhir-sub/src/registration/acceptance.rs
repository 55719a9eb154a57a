//! Waits until the server accepts or refuses the Subscriptions that were written.

use std::time::Duration;

use futures_core::future::BoxFuture;

use super::progress::{Progress, status_of};
use super::report::{Row, RowResult};
use super::side_by_side;
use crate::client::FhirClient;
use crate::deadline::Deadline;
use crate::fhir::Subscription;

/// How long the server has to accept or refuse a Subscription.
const ACCEPTANCE: Duration = Duration::from_secs(5);

/// How long to wait for a `requested` Subscription before it is changed or deleted. HAPI's activation runs
/// every 5 s and writes the version that it began with: it would undo a change, and bring back a deleted
/// Subscription.
const ACTIVATION: Duration = Duration::from_secs(10);

/// The pause between two reads.
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

/// Waits until a Subscription is no longer `requested`. Returns false if time runs out.
pub(super) async fn accepted(client: &FhirClient, id: &str, deadline: Deadline) -> bool {
    let end = deadline.min(Deadline::after(ACTIVATION));
    while !end.has_passed() {
        match client.read::<Subscription>("Subscription", id).await {
            Ok(found) if found.text("status") == Some("requested") => {}
            Err(error) if error.is_transient() => {}
            _ => return true,
        }
        tokio::time::sleep(BETWEEN_LOOKS.min(end.remaining())).await;
    }
    false
}

/// Waits until the server has accepted or refused every Subscription that was written.
pub(super) async fn wait(client: &FhirClient, all: &mut [Result<Progress<'_>, Row>], deadline: Deadline) {
    let end = deadline.min(Deadline::after(ACCEPTANCE));
    loop {
        let waiting: Vec<_> = all.iter_mut().flatten().filter(|progress| is_waiting(&progress.row)).collect();
        if waiting.is_empty() {
            break;
        }
        let looks = waiting.into_iter();
        side_by_side(looks.map(|progress| -> BoxFuture<'_, _> { Box::pin(look(client, &mut progress.row)) }))
            .await;
        if !all.iter().flatten().any(|progress| is_waiting(&progress.row)) || end.has_passed() {
            break;
        }
        tokio::time::sleep(BETWEEN_LOOKS.min(end.remaining())).await;
    }
}

/// Writes the server's decision into each row.
pub(super) fn judge(all: &mut [Result<Progress<'_>, Row>]) {
    for Progress { wanted, row, is_left_off, .. } in all.iter_mut().flatten() {
        if is_waiting(row) {
            row.result = RowResult::Pending;
            let message = "the server has not yet accepted it: ask again with `status`";
            row.message.get_or_insert_with(|| message.into());
        }
        let Some(status @ ("error" | "off")) = row.status.as_deref() else { continue };
        if row.result == RowResult::Failed || (*is_left_off && status == "off") {
            continue;
        }
        row.message = Some(if wanted.is_asked_to_answer && status == "error" {
            unanswered(&wanted.url)
        } else {
            format!("the server turned it to `{status}`: `status` shows what it says")
        });
        row.result = RowResult::Failed;
    }
}

fn unanswered(url: &str) -> String {
    format!(
        "the server turned it to `error`, for example because its handshake was not answered: check that \
         it reaches {url}, and that the program there has this secret, then register again. A function \
         that may run only one instance at a time cannot answer while it registers itself: then run the \
         command `register` elsewhere"
    )
}

fn is_waiting(row: &Row) -> bool {
    row.result != RowResult::Failed && row.status.as_deref() == Some("requested")
}

/// Reads the state of a Subscription.
async fn look(client: &FhirClient, row: &mut Row) {
    let Some(id) = row.subscription.as_deref().and_then(|reference| reference.strip_prefix("Subscription/"))
    else {
        return;
    };
    // If a read fails, another one follows. A Subscription that is still `requested` in the end becomes
    // `pending`.
    if let Ok(found) = client.read::<Subscription>("Subscription", id).await {
        row.status = status_of(&found);
        row.diagnostics = found.text("error").map(str::to_owned);
    }
}
