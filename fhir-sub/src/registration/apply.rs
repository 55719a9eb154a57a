//! Runs the plans: write, wait for the server's word, look for whoever registered at the same time.

use futures_core::future::BoxFuture;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

use super::acceptance::{accepted, judge, wait};
use super::plan::{Action, Plan, plan};
use super::report::{Row, RowResult};
use super::settle::{Settled, settle};
use super::topics::look_for_topics;
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
    pub(super) wanted: Wanted,
    pub(super) row: Row,
    /// The id of the Subscription that this run has itself created.
    pub(super) created: Option<String>,
}

/// Plans and applies every subscription of `app`.
pub(super) async fn apply(app: &App, client: &FhirClient, options: Options, deadline: Deadline) -> Vec<Row> {
    let declarations = app.registry().declarations().iter();
    let mut all = side_by_side(declarations.map(|declaration| -> BoxFuture<'_, _> {
        Box::pin(begin(app, client, declaration, options, deadline))
    }))
    .await;
    if !options.dry_run {
        wait(client, &mut all, deadline).await;
        arm_again(client, &mut all, deadline).await;
        judge(&mut all);
        let written = all.iter_mut().flatten();
        side_by_side(
            written.map(|progress| -> BoxFuture<'_, _> { Box::pin(confirm(client, progress, deadline)) }),
        )
        .await;
    }
    look_for_topics(client, app.settings(), &mut all).await;
    all.into_iter().map(|progress| progress.map_or_else(|row| row, |progress| progress.row)).collect()
}

/// Plans and writes one subscription; `Err` where the server cannot do what it asks.
async fn begin(
    app: &App,
    client: &FhirClient,
    declaration: &'static Declaration,
    options: Options,
    deadline: Deadline,
) -> Result<Progress, Row> {
    let (endpoint, criteria) = (declaration.endpoint, declaration.trigger.text());
    match wanted(declaration, app.settings()) {
        Ok(wanted) => {
            let row = Row::new(endpoint, criteria, RowResult::Failed);
            let mut progress = Progress { wanted, row, created: None };
            write(client, &mut progress, options, deadline).await;
            Ok(progress)
        }
        Err(problems) => Err(Row::failed(endpoint, criteria, problems.to_line())),
    }
}

/// Looks, plans and writes, until what was planned for is what was there.
async fn write(client: &FhirClient, progress: &mut Progress, options: Options, deadline: Deadline) {
    for attempt in 1..=ATTEMPTS {
        let Plan { action, duplicates } = match find(client, &progress.wanted).await {
            Ok(found) => plan(&progress.wanted, found),
            Err(error) => return fail(&mut progress.row, "looking for it", &error),
        };
        progress.row.set_duplicates(&duplicates);
        let written = match action {
            Action::Keep { id, status } => {
                return done(&mut progress.row, RowResult::Unchanged, &id, Some(status));
            }
            Action::Create if options.dry_run => {
                progress.row.result = RowResult::Created;
                return;
            }
            Action::Update { id, differences, .. } if options.dry_run => {
                done(&mut progress.row, RowResult::Updated, &id, None);
                progress.row.differences = differences;
                return;
            }
            Action::Create => match create(client, progress).await {
                // What it has made is to be found.
                Ok(false) => continue,
                created => created.map(drop),
            },
            // HAPI, which is still activating it, may write the old content over the new: let it finish.
            Action::Update { id, status, .. } if status == REQUESTED && attempt == 1 => {
                if accepted(client, &id, deadline).await {
                    continue;
                }
                progress.row.message = Some(
                    "another one is there, and the server has not yet accepted it: register once more".into(),
                );
                return;
            }
            Action::Update { id, differences, .. } if !progress.wanted.is_changeable => {
                progress.row.differences = differences;
                replace(client, progress, &id).await
            }
            Action::Update { id, version_id, resource, differences, .. } => {
                progress.row.differences = differences;
                update(client, &mut progress.row, &id, version_id.as_deref(), &resource).await
            }
        };
        match written {
            // The one that stays in its stead need not be what is wanted: look again.
            Ok(()) if early_settle(client, progress, deadline).await == Settled::Withdrawn => {}
            Ok(()) => return,
            // Another wrote in between, or whether the write was done is not known: look again.
            Err(error) if is_worth_another_look(&error) && attempt < ATTEMPTS => {}
            Err(error) => return fail(&mut progress.row, "writing it", &error),
        }
    }
    progress.row.result = RowResult::Failed;
    progress.row.message = Some("others keep writing it: register once more".into());
}

/// Writes once more what the server has given up at its first handshake: a function that starts for it may have been too
/// slow, and has started by now.
async fn arm_again(client: &FhirClient, all: &mut [Result<Progress, Row>], deadline: Deadline) {
    let is_given_up = |progress: &&mut Progress| {
        progress.wanted.is_asked_to_answer
            && progress.row.status.as_deref() == Some("error")
            && matches!(progress.row.result, RowResult::Created | RowResult::Updated)
    };
    let given_up: Vec<_> = all.iter_mut().flatten().filter(is_given_up).collect();
    if given_up.is_empty() {
        return;
    }
    side_by_side(given_up.into_iter().map(|progress| -> BoxFuture<'_, _> {
        Box::pin(async move {
            let Row { result, differences, .. } = progress.row.clone();
            write(client, progress, Options::default(), deadline).await;
            if matches!(progress.row.result, RowResult::Updated | RowResult::Unchanged) {
                (progress.row.result, progress.row.differences) = (result, differences);
            }
        })
    }))
    .await;
    wait(client, all, deadline).await;
}

/// Looks right after a create. What cannot be known yet is looked for again by [`confirm`].
async fn early_settle(client: &FhirClient, progress: &mut Progress, deadline: Deadline) -> Settled {
    if progress.created.is_none() {
        return Settled::Kept;
    }
    match find(client, &progress.wanted).await {
        Ok(found) => settle(client, progress, &found, deadline).await,
        Err(_) => Settled::Unknown,
    }
}

/// Looks once more, when all is written: whoever wrote at the same time may have been seen by no look so far.
pub(super) async fn confirm(client: &FhirClient, progress: &mut Progress, deadline: Deadline) {
    if !matches!(progress.row.result, RowResult::Created | RowResult::Updated | RowResult::Pending) {
        return;
    }
    let found = match find(client, &progress.wanted).await {
        Ok(found) => found,
        Err(error) => {
            fail(&mut progress.row, "looking once more", &error);
            return;
        }
    };
    match settle(client, progress, &found, deadline).await {
        Settled::Withdrawn => {
            write(client, progress, Options::default(), deadline).await;
            if progress.row.result != RowResult::Failed && progress.row.status.as_deref() == Some(REQUESTED) {
                progress.row.result = RowResult::Pending;
            }
            return;
        }
        Settled::Unknown => {
            progress.row.result = RowResult::Failed;
            progress.row.message =
                Some("whether another registration wrote it too is not known: register once more".into());
            return;
        }
        Settled::Kept => {}
    }
    let Plan { action, duplicates } = plan(&progress.wanted, found);
    progress.row.set_duplicates(&duplicates);
    if let Action::Update { differences, .. } = action {
        progress.row.result = RowResult::Failed;
        progress.row.differences = differences;
        progress.row.message = Some("it was written, and differs again: register once more".into());
    }
}

/// Whether the server may have done what it was asked, or has changed since it was looked at.
fn is_worth_another_look(error: &Error) -> bool {
    error.is_conflict() || error.is_transient() || error.status().is_none()
}

/// Whether the server said what it has made.
async fn create(client: &FhirClient, progress: &mut Progress) -> Result<bool, Error> {
    let media_type = HeaderValue::from_static(progress.wanted.media_type);
    let mut create =
        client.create("Subscription", &progress.wanted.resource).header(CONTENT_TYPE, media_type);
    if let Some((name, value)) = progress.wanted.request_header.clone() {
        create = create.header(name, value);
    }
    let written = create.await?;
    if let Some(id) = &written.id {
        done(&mut progress.row, RowResult::Created, id, Some(REQUESTED.into()));
    }
    progress.created = written.id;
    Ok(progress.created.is_some())
}

/// What is written counts as `requested` until it has been looked at.
const REQUESTED: &str = "requested";

/// Deletes it, and creates it again: of a server that changes none. Where the second fails, the next look finds none.
async fn replace(client: &FhirClient, progress: &mut Progress, id: &str) -> Result<(), Error> {
    client.delete("Subscription", id).await?;
    create(client, progress).await?;
    if progress.row.result == RowResult::Created {
        progress.row.result = RowResult::Updated;
    }
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
    match version_id {
        Some(version_id) => update.if_match(version_id).await?,
        None => update.await?,
    };
    done(row, RowResult::Updated, id, Some(REQUESTED.into()));
    Ok(())
}

/// The code of the status, which goes into the answer to `POST …/register`: nothing else that a server writes there.
pub(super) fn status_of(subscription: &Subscription) -> Option<String> {
    subscription.text("status").map(|_| subscription.status_code().to_owned())
}

pub(super) fn done(row: &mut Row, result: RowResult, id: &str, status: Option<String>) {
    row.result = result;
    row.subscription = Some(format!("Subscription/{id}"));
    row.status = status;
    // What an earlier attempt said.
    (row.message, row.diagnostics) = (None, None);
}

pub(super) fn fail(row: &mut Row, doing: &str, error: &Error) {
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
