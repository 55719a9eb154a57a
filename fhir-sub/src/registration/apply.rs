//! Runs the plans: write, wait for the server's word, look for whoever registered at the same time.

use futures_core::future::BoxFuture;

use super::acceptance::{accepted, wait};
use super::plan::{Action, IdOrder, Plan, has_endpoint, plan};
use super::report::{Row, RowResult};
use super::wanted::{Wanted, wanted};
use super::{Options, find, side_by_side};
use crate::app::App;
use crate::client::{Error, FhirClient};
use crate::deadline::Deadline;
use crate::declaration::Declaration;
use crate::fhir::{OperationOutcome, OperationOutcomeIssue, Subscription};

/// How often a subscription is planned anew when the server changed between the look and the write.
const ATTEMPTS: usize = 4;

/// A subscription under way.
pub(super) struct Progress {
    wanted: Wanted,
    pub(super) row: Row,
    /// The id of the Subscription that this run has itself created.
    created: Option<String>,
}

/// Plans and applies every subscription of `app`.
pub(super) async fn apply(app: &App, client: &FhirClient, options: Options, deadline: Deadline) -> Vec<Row> {
    let declarations = app.registry().declarations().iter();
    let mut all = side_by_side(
        declarations
            .map(|declaration| -> BoxFuture<'_, _> { Box::pin(begin(app, client, declaration, options)) }),
    )
    .await;
    if !options.dry_run {
        wait(client, &mut all, deadline).await;
        let written = all.iter_mut().flatten();
        side_by_side(written.map(|progress| -> BoxFuture<'_, _> { Box::pin(confirm(client, progress)) }))
            .await;
    }
    all.into_iter().map(|progress| progress.map_or_else(|row| row, |progress| progress.row)).collect()
}

/// Plans and writes one subscription; `Err` where the server cannot do what it asks.
async fn begin(
    app: &App,
    client: &FhirClient,
    declaration: &'static Declaration,
    options: Options,
) -> Result<Progress, Row> {
    match wanted(declaration, app.settings()) {
        Ok(wanted) => Ok(write(client, wanted, options).await),
        Err(problems) => {
            let problems: Vec<_> = problems.iter().collect();
            Err(Row::failed(declaration.endpoint, declaration.trigger.text(), problems.join("; ")))
        }
    }
}

/// Looks, plans and writes, until what was planned for is what was there.
async fn write(client: &FhirClient, wanted: Wanted, options: Options) -> Progress {
    let (endpoint, criteria) = (wanted.declaration.endpoint, wanted.declaration.trigger.text());
    let mut progress =
        Progress { row: Row::new(endpoint, criteria, RowResult::Failed), wanted, created: None };
    for attempt in 1..=ATTEMPTS {
        let Plan { action, duplicates } = match find(client, &progress.wanted.url).await {
            Ok(found) => plan(&progress.wanted, found),
            Err(error) => {
                fail(&mut progress.row, "looking for it", &error);
                return progress;
            }
        };
        progress.row.duplicates = duplicates.iter().map(|id| format!("Subscription/{id}")).collect();
        let written = match action {
            Action::Keep { id, status } => {
                done(&mut progress.row, RowResult::Unchanged, &id, Some(status));
                return progress;
            }
            Action::Create if options.dry_run => {
                progress.row.result = RowResult::Created;
                return progress;
            }
            Action::Update { id, differences, .. } if options.dry_run => {
                done(&mut progress.row, RowResult::Updated, &id, None);
                progress.row.differences = differences;
                return progress;
            }
            Action::Create => create(client, &mut progress).await,
            // HAPI, which is still activating it, may write the old content over the new: let it finish.
            Action::Update { id, status, .. } if status == "requested" && attempt == 1 => {
                accepted(client, &id).await;
                continue;
            }
            Action::Update { id, version_id, resource, differences, .. } => {
                progress.row.differences = differences;
                update(client, &mut progress.row, &id, version_id.as_deref(), &resource).await
            }
        };
        match written {
            Ok(()) => break,
            // Another wrote in between, or whether the write was done is not known: look again.
            Err(error) if is_worth_another_look(&error) && attempt < ATTEMPTS => {}
            Err(error) => {
                fail(&mut progress.row, "writing it", &error);
                return progress;
            }
        }
    }
    settle(client, &mut progress).await;
    progress
}

/// Whether the server may have done what it was asked, or has changed since it was looked at.
fn is_worth_another_look(error: &Error) -> bool {
    error.is_conflict() || error.is_transient() || error.status().is_none()
}

async fn create(client: &FhirClient, progress: &mut Progress) -> Result<(), Error> {
    let created: Subscription = client.create("Subscription", &progress.wanted.resource).returning().await?;
    let id = created.text("id").unwrap_or_default().to_owned();
    done(&mut progress.row, RowResult::Created, &id, status_of(&created));
    progress.created = Some(id);
    Ok(())
}

async fn update(
    client: &FhirClient,
    row: &mut Row,
    id: &str,
    version_id: Option<&str>,
    resource: &Subscription,
) -> Result<(), Error> {
    let update = client.update("Subscription", id, resource);
    let update = match version_id {
        Some(version_id) => update.if_match(version_id),
        None => update,
    };
    let updated: Subscription = update.returning().await?;
    done(row, RowResult::Updated, id, status_of(&updated));
    Ok(())
}

/// Of several Subscriptions that were created at once, leaves the oldest: one that this run created
/// itself, and that is not the oldest, is deleted. No other is.
async fn settle(client: &FhirClient, progress: &mut Progress) {
    let Some(own) = progress.created.clone() else { return };
    let found = match find(client, &progress.wanted.url).await {
        Ok(found) => found,
        Err(error) => {
            progress.row.message =
                Some(format!("whether another registration wrote it too is not known: {error}"));
            return;
        }
    };
    let mut ids: Vec<_> = found
        .iter()
        .filter(|found| has_endpoint(found, &progress.wanted.url))
        .filter_map(|found| found.text("id"))
        .map(str::to_owned)
        .collect();
    if ids.iter().all(|id| *id == own) {
        return;
    }
    if !ids.contains(&own) {
        ids.push(own.clone());
    }
    let ages = ids.into_iter().map(|id| -> BoxFuture<'_, _> {
        Box::pin(async move { born(client, &id).await.map(|born| (born, IdOrder::of(&id), id)) })
    });
    let ages: Result<Vec<_>, Error> = side_by_side(ages).await.into_iter().collect();
    let oldest = match ages {
        Ok(ages) => ages.into_iter().min_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1))),
        // Whoever deletes on a guess may delete the last.
        Err(error) => {
            progress.row.message = Some(format!("which of several is the oldest is not known: {error}"));
            return;
        }
    };
    let Some((_, _, oldest)) = oldest else { return };
    if oldest == own {
        return;
    }
    accepted(client, &own).await;
    match client.delete("Subscription", &own).await {
        Ok(()) => {
            progress.created = None;
            let kept = found.iter().find(|found| found.text("id") == Some(&oldest));
            done(&mut progress.row, RowResult::Unchanged, &oldest, kept.and_then(status_of));
            progress.row.message = Some("another registration created it at the same time".into());
        }
        Err(error) => fail(&mut progress.row, "deleting the one that came second", &error),
    }
}

/// When the Subscription was created, as a FHIR `instant`; the end of time where the server does not say.
///
/// The activation makes a second version, so it is the first version's time that tells.
async fn born(client: &FhirClient, id: &str) -> Result<String, Error> {
    const UNKNOWN: &str = "9999";
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

/// Looks once more, when all is written: whoever wrote at the same time may have been seen by no look so far.
async fn confirm(client: &FhirClient, progress: &mut Progress) {
    settle(client, progress).await;
    if progress.row.result == RowResult::Updated
        && let Ok(found) = find(client, &progress.wanted.url).await
        && let Action::Update { differences, .. } = plan(&progress.wanted, found).action
    {
        progress.row.result = RowResult::Failed;
        progress.row.differences = differences;
        progress.row.message = Some("it was written, and differs again: register once more".into());
    }
}

pub(super) fn status_of(subscription: &Subscription) -> Option<String> {
    subscription.text("status").map(str::to_owned)
}

fn done(row: &mut Row, result: RowResult, id: &str, status: Option<String>) {
    row.result = result;
    row.subscription = Some(format!("Subscription/{id}"));
    row.status = status;
    // What an earlier attempt said.
    (row.message, row.diagnostics) = (None, None);
}

fn fail(row: &mut Row, doing: &str, error: &Error) {
    row.result = RowResult::Failed;
    row.message = Some(format!("{doing} failed: {error}"));
    row.diagnostics = error.operation_outcome().map(texts);
}

/// What the server says went wrong, in its own words.
fn texts(outcome: &OperationOutcome) -> String {
    let details =
        |issue: &OperationOutcomeIssue| issue.details.as_ref().and_then(|details| details.text.clone());
    let texts = outcome.issue.iter().filter_map(|issue| issue.diagnostics.clone().or_else(|| details(issue)));
    texts.collect::<Vec<_>>().join("; ")
}
