//! Runs the plans: writes, waits for the server's decision, and checks whether another program registered at
//! the same time.

use std::time::Duration;

use futures_core::future::BoxFuture;

use super::acceptance::{accepted, judge, wait};
use super::create::create;
use super::ended::ended;
use super::known::is_unsupported;
use super::pacing::Pacing;
use super::plan::{Action, Given, Plan, has_endpoint, plan};
use super::progress::{Progress, REQUESTED};
use super::replace::{can_delete, delete_superseded, replace};
use super::report::{Row, RowResult};
use super::settle::{Settled, settle};
use super::topics::look_for_topics;
use super::wanted::wanted;
use super::{Options, asked, find, side_by_side};
use crate::app::App;
use crate::client::{Error, FhirClient};
use crate::deadline::Deadline;
use crate::declaration::Declaration;
use crate::fhir::{Instant, Subscription};

/// How often a subscription is planned again if the server changed between the read and the write.
const ATTEMPTS: usize = 4;

/// How long to wait until a search shows what the server has created without saying its id.
const UNTIL_SHOWN: Duration = Duration::from_secs(1);

/// If the server has limited `end`, and the end is nearer than this, the Subscription is written again.
const SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Plans and applies every subscription of `app`.
pub(super) async fn apply(
    app: &App,
    client: &FhirClient,
    options: Options,
    pacing: &Pacing,
    deadline: Deadline,
) -> Vec<Row> {
    let declarations = app.registry().declarations().iter();
    let mut all = side_by_side(declarations.map(|declaration| -> BoxFuture<'_, _> {
        Box::pin(begin(app, client, declaration, options, pacing, deadline))
    }))
    .await;
    if !options.dry_run {
        wait(client, &mut all, deadline).await;
        arm_again(client, &mut all, pacing, deadline).await;
        judge(&mut all);
        let written = all.iter_mut().flatten();
        side_by_side(
            written.map(|progress| -> BoxFuture<'_, _> {
                Box::pin(delete_superseded(client, progress, pacing))
            }),
        )
        .await;
        let written = all.iter_mut().flatten();
        side_by_side(
            written.map(|progress| -> BoxFuture<'_, _> {
                Box::pin(confirm(client, progress, pacing, deadline))
            }),
        )
        .await;
    }
    look_for_topics(client, app.settings(), &mut all).await;
    all.into_iter().map(|progress| progress.map_or_else(|row| row, |progress| progress.row)).collect()
}

/// Plans and writes one subscription. Returns an error if the server cannot do what it asks.
async fn begin<'a>(
    app: &'a App,
    client: &FhirClient,
    declaration: &'static Declaration,
    options: Options,
    pacing: &Pacing,
    deadline: Deadline,
) -> Result<Progress<'a>, Row> {
    let endpoint = declaration.endpoint;
    match wanted(declaration, app.settings()) {
        Ok(wanted) => {
            let criteria = asked::of_wanted(declaration, &wanted);
            if let Some(ended) = ended(declaration, &wanted) {
                return Err(Row::failed(endpoint, &criteria, ended.problem));
            }
            let mut progress = Progress::new(app, wanted, Row::new(endpoint, &criteria, RowResult::Failed));
            write(client, &mut progress, options, pacing, deadline).await;
            Ok(progress)
        }
        Err(problems) => Err(Row::failed(endpoint, declaration.trigger.text(), problems.to_line())),
    }
}

/// Whether the server has limited `end`, and the Subscription ends soon: another write moves its end on.
fn ends_soon(plan: &Plan, there: &[Subscription], now: Instant) -> bool {
    let Action::Keep { id, .. } = &plan.action else { return false };
    let found = there.iter().find(|found| found.text("id") == Some(id));
    let end = found.and_then(|found| Instant::parse(found.text("end")?));
    !plan.is_left_off && plan.hidden.contains(&"end") && end.is_some_and(|end| end < now.after(SOON))
}

/// Reads, plans and writes, until the server has not changed between the read and the write.
async fn write(
    client: &FhirClient,
    progress: &mut Progress<'_>,
    options: Options,
    pacing: &Pacing,
    deadline: Deadline,
) {
    for attempt in 1..=ATTEMPTS {
        pacing.search().await;
        let found = match find(progress.app, client, &progress.wanted).await {
            Ok(found) => found,
            Err(error) => return progress.row.fail_to_find("looking for it", &error),
        };
        let (by_search, there) = (found.by_search, found.all.clone());
        progress.is_found_by_id = !by_search;
        let given = progress.given(options.rewrite);
        let mut planned = plan(&progress.wanted, found.all, &given);
        if progress.wanted.is_changeable && ends_soon(&planned, &there, progress.app.now()) {
            planned = plan(&progress.wanted, there.clone(), &Given { rewrite: true, ..given });
        }
        let Plan { action, duplicates, superseded, hidden, is_left_off } = planned;
        progress.row.set_duplicates(&duplicates);
        progress.superseded = superseded;
        progress.is_left_off = is_left_off;
        if !options.dry_run && matches!(action, Action::Create | Action::Update { .. }) {
            pacing.write().await;
        }
        let written = match action {
            Action::Keep { id, status } => {
                let result = if progress.is_unnamed { RowResult::Created } else { RowResult::Unchanged };
                progress.row.done(result, &id, Some(status));
                progress.tell_left_off();
                progress.row.tell_hidden(&hidden);
                if options.dry_run {
                    progress.tell_superseded();
                }
                return;
            }
            Action::Create if options.dry_run => {
                progress.row.result = RowResult::Created;
                return;
            }
            Action::Update { id, differences, .. } if options.dry_run => {
                progress.row.done(RowResult::Updated, &id, None);
                progress.row.differences = differences;
                return;
            }
            // It is on the server, and not shown yet: another create could make a second one.
            Action::Create if progress.is_unnamed => {
                tokio::time::sleep(UNTIL_SHOWN.min(deadline.remaining())).await;
                continue;
            }
            Action::Create => match create(client, progress, None).await {
                // The server did not say what it created, or another process was first: read again.
                Ok(false) => continue,
                created => created.map(drop),
            },
            // HAPI is still activating it, and may overwrite the new content with the old one: wait.
            Action::Update { id, status, .. } if status == REQUESTED && attempt == 1 => {
                if accepted(client, &id, deadline).await {
                    continue;
                }
                progress.row.message = Some(
                    "another one exists, and the server has not yet accepted it: register once more".into(),
                );
                return;
            }
            Action::Update { id, differences, .. } if !progress.wanted.is_changeable => {
                progress.row.differences = differences;
                replace(client, progress, &id, &there, options.rewrite).await
            }
            Action::Update { id, version_id, resource, differences, .. } => {
                progress.row.differences = differences;
                match update(client, &mut progress.row, &id, version_id.as_deref(), &resource).await {
                    Err(error) if is_unsupported(&error) => match can_delete(client).await {
                        Ok(()) => replace(client, progress, &id, &there, options.rewrite).await,
                        Err(error) => Err(error),
                    },
                    updated => updated,
                }
            }
        };
        if !by_search && written.is_ok() {
            progress.tell_no_search();
        }
        match written {
            // This run's Subscription was withdrawn, and the remaining one may differ from the wanted one:
            // read again.
            Ok(()) if early_settle(client, progress, pacing, deadline).await == Settled::Withdrawn => {}
            Ok(()) => return progress.tell_left_off(),
            // Another program wrote in between, or the server may have executed the write: read again.
            Err(error) if is_worth_another_look(&error) && attempt < ATTEMPTS => {}
            Err(error) => return progress.row.fail("writing it", &error),
        }
    }
    progress.row.result = RowResult::Failed;
    let message = if progress.is_unnamed {
        "the server created it without saying its id, and does not show it: look for it on the server, because another run \
         may create a second one"
    } else {
        "others keep writing it: register once more"
    };
    progress.row.message = Some(message.into());
}

/// Writes a Subscription once more if the server gave it up at its first handshake: a function that had to
/// start may have been too slow, and is running by now.
async fn arm_again(
    client: &FhirClient,
    all: &mut [Result<Progress<'_>, Row>],
    pacing: &Pacing,
    deadline: Deadline,
) {
    let is_given_up = |progress: &&mut Progress<'_>| {
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
            write(client, progress, Options::default(), pacing, deadline).await;
            if matches!(progress.row.result, RowResult::Updated | RowResult::Unchanged) {
                (progress.row.result, progress.row.differences) = (result, differences);
            }
        })
    }))
    .await;
    wait(client, all, deadline).await;
}

/// Checks for other Subscriptions right after a create. [`confirm`] repeats a check without a result.
async fn early_settle(
    client: &FhirClient,
    progress: &mut Progress<'_>,
    pacing: &Pacing,
    deadline: Deadline,
) -> Settled {
    if progress.created.is_none() {
        return Settled::Kept;
    }
    pacing.search().await;
    match find(progress.app, client, &progress.wanted).await {
        Ok(found) => settle(client, progress, &found.all, pacing, deadline).await,
        Err(_) => Settled::Unknown,
    }
}

/// Checks once more when everything is written: another program may have written at the same time, unseen so
/// far.
pub(super) async fn confirm(
    client: &FhirClient,
    progress: &mut Progress<'_>,
    pacing: &Pacing,
    deadline: Deadline,
) {
    if !matches!(progress.row.result, RowResult::Created | RowResult::Updated | RowResult::Pending) {
        return;
    }
    pacing.search().await;
    let found = match find(progress.app, client, &progress.wanted).await {
        Ok(found) => found.all,
        Err(error) => {
            progress.row.fail_to_find("looking once more", &error);
            return;
        }
    };
    match settle(client, progress, &found, pacing, deadline).await {
        Settled::Withdrawn => {
            write(client, progress, Options::default(), pacing, deadline).await;
            if progress.row.result != RowResult::Failed && progress.row.status.as_deref() == Some(REQUESTED) {
                progress.row.result = RowResult::Pending;
            }
            return delete_superseded(client, progress, pacing).await;
        }
        Settled::Unknown => {
            progress.row.result = RowResult::Failed;
            progress.row.message =
                Some("another registration may have written it too: register once more".into());
            return;
        }
        Settled::Kept => {}
    }
    progress.remember(&found);
    let Plan { action, duplicates, hidden, .. } = plan(&progress.wanted, found, &progress.given(false));
    progress.row.set_duplicates(&duplicates);
    progress.row.tell_hidden(&hidden);
    match action {
        Action::Update { differences, .. } => {
            progress.row.result = RowResult::Failed;
            progress.row.differences = differences;
            progress.row.message = Some("it was written, and differs again: register once more".into());
        }
        Action::Create => tell_other_endpoint(client, progress).await,
        Action::Keep { .. } => {}
    }
}

/// Tells whether the server shows another endpoint than the written one, or hides it: then no run finds the Subscription
/// again, and each creates one more. A search that only lags shows nothing of this.
async fn tell_other_endpoint(client: &FhirClient, progress: &mut Progress<'_>) {
    let reference = progress.row.subscription.as_deref();
    let Some(id) = reference.and_then(|reference| reference.strip_prefix("Subscription/")) else { return };
    let Ok(shown) = client.read::<Subscription>("Subscription", id).await else { return };
    if has_endpoint(&shown, &progress.wanted.url) {
        return;
    }
    progress.row.result = RowResult::Failed;
    progress.row.message = Some(format!(
        "it was written, and the server shows another endpoint than {}, so each run would create one more: set \
         APP_BASE_URL to the form that the server shows",
        progress.wanted.url
    ));
}

/// Whether the server may have executed the write, or has changed since the read.
fn is_worth_another_look(error: &Error) -> bool {
    error.is_conflict() || error.is_transient() || error.status().is_none()
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
    row.done(RowResult::Updated, id, Some(REQUESTED.into()));
    Ok(())
}
