//! Registration: plans the changes from the Subscriptions on the server to the wanted ones, and applies them.

mod abilities;
mod acceptance;
mod apply;
mod asked;
mod counter;
mod create;
mod delete;
mod deliveries;
mod difference;
mod ended;
mod heartbeats;
mod hidden;
mod hooked;
mod known;
mod locate;
mod pacing;
mod plan;
#[cfg(feature = "__parts")]
mod planned;
mod progress;
mod prune;
mod recognise;
mod replace;
mod respelt;
mod report;
mod settle;
mod status;
mod topics;
mod wanted;

pub(crate) use asked::{criteria, search};
pub(crate) use counter::{ask_counter, counter};
pub(crate) use heartbeats::learn as learn_heartbeats;
pub(crate) use known::{FindError, Notebook};
pub(crate) use locate::{Located, NotRearmed, created, locate};
#[cfg(feature = "__parts")]
pub use planned::Planned;
pub use report::{Report, Row, RowResult};
pub(crate) use status::{StatusRow, status};
pub(crate) use wanted::{Wanted, wanted};

use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::StreamExt;

use crate::app::App;
use crate::client::{FhirClient, PageLimits};
use crate::deadline::Deadline;
use crate::declaration::Declaration;
use crate::fhir::Subscription;
use crate::problems::Problems;

/// How many subscriptions are read, written or waited for at the same time.
const AT_A_TIME: usize = 24;

/// The limits of a search for the Subscriptions of one URL. There should be only one.
const OF_ONE_URL: PageLimits = PageLimits::new(500, 2_000, 8 << 20, Duration::from_secs(60));

/// The options of a registration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Plan only: write nothing.
    pub dry_run: bool,
    /// Remove each Subscription under the base URL whose endpoint is no longer in the program, and exact duplicates.
    pub prune: bool,
    /// Write every Subscription again, even if it seems to be up to date. Use this after a rotation of the secret if
    /// the server hides the headers of its Subscriptions.
    pub rewrite: bool,
}

impl Options {
    /// The options of `POST /register?dry-run=true&prune=true&rewrite=true`. `None` if the query contains
    /// anything else: a misspelt option must not turn a dry run into a write.
    pub(crate) fn from_query(query: &str) -> Option<Self> {
        let mut options = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, "true"));
            let is_set = match value {
                "true" | "" => true,
                "false" => false,
                _ => return None,
            };
            match name {
                "dry-run" => options.dry_run = is_set,
                "prune" => options.prune = is_set,
                "rewrite" => options.rewrite = is_set,
                _ => return None,
            }
        }
        Some(options)
    }
}

impl App {
    /// Registers every subscription with the FHIR server, as `POST /register` does.
    ///
    /// A second run writes nothing if nothing has changed.
    pub async fn register(&self, options: Options) -> Report {
        register(self, options, self.deadline(None)).await
    }
}

/// Registers all subscriptions of `app`, several at the same time. If one fails, the others still run.
pub(crate) async fn register(app: &App, options: Options, deadline: Deadline) -> Report {
    let app = &match recognise::recognise(app, &app.provided().fhir_client().with_deadline(deadline)).await {
        Ok(app) => app,
        Err(message) => return Report::failed(options, app.registry().declarations(), &message),
    };
    let client = app.registration_client().with_deadline(deadline);
    let pacing = pacing::Pacing::new(app.settings().fhir_server.registering.pace.as_ref(), deadline);
    let mut rows = apply::apply(app, &client, options, &pacing, deadline).await;
    for row in &mut rows {
        row.hide(&app.settings().secrets);
    }
    let pruned = match options.prune {
        true => Some(prune::prune(app, &client, &mut rows, options.dry_run, &pacing, deadline).await),
        false => None,
    };
    Report::new(options, app.settings().fhir_server, rows, pruned)
}

/// Removes every Subscription under the base URL of `app`, as pruning would if the program had no handlers.
pub(crate) async fn unregister(app: &App, deadline: Deadline) -> Report {
    let options = Options { prune: true, ..Options::default() };
    register(&app.without_handlers(), options, deadline).await
}

/// `app` with its server recognised, if `FHIR_SERVER` asks for that. An error says why that failed.
pub(crate) async fn recognised(app: &App, deadline: Deadline) -> Result<App, String> {
    recognise::recognise(app, &app.provided().fhir_client().with_deadline(deadline)).await
}

/// Why the subscriptions of `app` cannot be registered, as far as that is known without asking the server.
pub(crate) fn check(app: &App) -> Result<(), Problems> {
    let mut problems = Problems::default();
    for declaration in app.registry().declarations() {
        let Some(wanted) = problems.collect(wanted(declaration, app.settings())) else { continue };
        if let Some(ended) = ended::ended(declaration, &wanted) {
            problems.add(abilities::problem(declaration, &ended.problem));
        }
    }
    problems.or(())
}

/// Notes on what the server of `app` does differently from what its subscriptions ask. Each note begins with
/// the endpoint.
pub(crate) fn notes(app: &App) -> Vec<String> {
    let of = |declaration: &&'static Declaration| {
        let wanted = wanted(declaration, app.settings()).ok();
        let notes = wanted.map(|wanted| wanted.notes).unwrap_or_default();
        notes.into_iter().map(|note| format!("{}: {note}", declaration.endpoint)).collect::<Vec<_>>()
    };
    app.registry().declarations().iter().flat_map(of).collect()
}

/// The result of searching for the Subscriptions of an endpoint.
struct Found {
    /// The Subscriptions with the endpoint, and others if the server cannot search for these alone.
    all: Vec<Subscription>,
    /// Whether the server was searched. Otherwise only the remembered Subscription was read.
    by_search: bool,
}

/// Finds the Subscriptions with the endpoint of `wanted`. If the server cannot search for Subscriptions, the
/// remembered id is read.
async fn find(app: &App, client: &FhirClient, wanted: &Wanted) -> Result<Found, FindError> {
    // A comma separates two values of a search.
    let url = wanted.url.replace(',', r"\,");
    let query = [("url", url.as_str())];
    let search =
        client.search_type::<Subscription>("Subscription", if wanted.is_found_by_url { &query } else { &[] });
    let all = if wanted.is_found_by_url { search.limits(OF_ONE_URL).all().await } else { search.all().await };
    match all {
        Err(error) if known::has_no_search(&error) => {
            let all = known::find(app, client, &wanted.url).await?;
            Ok(Found { all, by_search: false })
        }
        all => Ok(Found { all: all?, by_search: true }),
    }
}

/// How much longer a registration takes if the server limits the requests per minute.
pub(crate) fn further_time(app: &App) -> std::time::Duration {
    let pace = app.settings().fhir_server.registering.pace.as_ref();
    pacing::further_time(pace, app.registry().declarations().len())
}

/// Runs all of `work`, [`AT_A_TIME`] at the same time. The results are in the order of the work.
async fn side_by_side<'a, R: Send + 'a>(work: impl Iterator<Item = BoxFuture<'a, R>>) -> Vec<R> {
    let work: Vec<_> = work.collect();
    let mut results: Vec<Option<R>> = work.iter().map(|_| None).collect();
    let places = results.iter_mut();
    let placed = work
        .into_iter()
        .zip(places)
        .map(|(work, place)| -> BoxFuture<'_, ()> { Box::pin(async move { *place = Some(work.await) }) });
    at_a_time(placed.collect()).await;
    results.into_iter().flatten().collect()
}

/// Runs all of `work`. It is not generic, because each copy would add kilobytes to the program.
async fn at_a_time(work: Vec<BoxFuture<'_, ()>>) {
    futures_util::stream::iter(work).buffer_unordered(AT_A_TIME).collect().await
}

#[cfg(test)]
mod tests;
