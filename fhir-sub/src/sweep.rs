//! The sweep: what no notification told of is looked for on the server, and handled.
//!
//! Whatever it finds goes the way of a notification and through the same store, so that what was handled is not handled
//! again. For each subscription it keeps how far it has come, by the server's clock, and goes no further than everything
//! before is done or given up; the next sweep goes on from there.

mod by_number;
mod clock;
mod deletions;
#[cfg(feature = "local")]
mod every;
mod handling;
mod lease;
mod options;
mod report;
mod round;
mod start;
mod suspects;
mod time;
mod walk;

use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::StreamExt;

#[cfg(feature = "local")]
pub(crate) use self::every::every;
pub(crate) use self::options::SweepOptions;
pub(crate) use self::report::{Report, Row};

use self::lease::Lease;
use self::suspects::Suspects;
use self::walk::What;
use crate::app::App;
use crate::client::{Error, FhirClient};
use crate::contain::contain;
use crate::deadline::Deadline;
use crate::declaration::{Declaration, Sweepable, Trigger};
use crate::delivery::Time;
use crate::delivery::changed::Question;
use crate::event::Event;
use crate::fhir::Instant;
use crate::interaction::Interactions;
use crate::registration::{self, Located};

/// How many subscriptions are swept at a time.
const AT_A_TIME: usize = 4;

/// What is kept of the time to say how far it has come.
const TO_END: Duration = Duration::from_secs(2);

/// With how much time left nothing more is handled, unless there was little from the beginning.
const TO_HANDLE: Duration = Duration::from_secs(5);

/// Why nothing is swept at all, where it would have everything handled again.
pub(crate) fn refusal(app: &App) -> Option<&'static str> {
    match app.store() {
        None => Some(
            "FHIR_SUBSCRIPTION_IDEMPOTENCY is off, and a sweep must know what was handled: set it to dynamodb:TABLE",
        ),
        Some(store) if app.settings().on_lambda && !store.is_durable() => Some(
            "FHIR_SUBSCRIPTION_IDEMPOTENCY is memory, and an instance of a Lambda does not know what others have handled: \
             set it to dynamodb:TABLE",
        ),
        Some(_) => None,
    }
}

/// Sweeps every subscription that `options` mean; one that fails stops no other. There must be no [`refusal`].
pub(crate) async fn sweep(
    app: &App,
    options: &SweepOptions,
    deadline: Deadline,
    request_id: Option<&str>,
) -> Report {
    let stop = deadline.earlier_by(TO_END);
    let declarations: Vec<_> =
        app.registry().declarations().iter().copied().filter(|it| options.mean(it.endpoint)).collect();
    let rows = match registration::recognised(app, stop).await {
        Err(message) => declarations.into_iter().map(|it| Row::new(it).failed(message.clone())).collect(),
        Ok(server) => {
            let least = TO_HANDLE.min(stop.remaining() / 4);
            let time = Time::until(app.deadline(None).min(stop));
            let suspects = Suspects::default();
            let run = Run { app, server: &server, options, stop, time, least, suspects, request_id };
            let work: Vec<BoxFuture<'_, Row>> = declarations
                .into_iter()
                .map(|it| -> BoxFuture<'_, Row> { Box::pin(one(&run, it)) })
                .collect();
            let mut rows: Vec<_> = futures_util::stream::iter(work).buffered(AT_A_TIME).collect().await;
            suspects::handle(&run, &mut rows).await;
            rows
        }
    };
    let is_durable = app.store().is_some_and(|store| store.is_durable());
    let forgotten = app.store().map_or(0, |store| store.forgotten());
    let report = Report::new(rows, is_durable, forgotten);
    report.write(app, request_id);
    report
}

/// What all subscriptions of one sweep share.
struct Run<'a> {
    app: &'a App,
    /// The same, where its server is to be recognised.
    server: &'a App,
    options: &'a SweepOptions,
    /// When everything must have ended.
    stop: Deadline,
    /// Of which an event gets a share.
    time: Time,
    /// Nothing is handled for which there is less time: to fail for that would count as a try.
    least: Duration,
    /// What is left for the end, since an instance has died at it.
    suspects: Suspects,
    request_id: Option<&'a str>,
}

/// The sweep of one subscription.
struct Sweep<'a> {
    run: &'a Run<'a>,
    declaration: &'static Declaration,
    client: FhirClient,
    lease: Lease<'a>,
    row: Row,
    /// Which Subscription and topic what is found is of.
    occasion: Event,
    /// When the server's clock was looked at before this sweep, by the clock here.
    looked: Option<Instant>,
    /// Whether the server says what time it is.
    tells_time: bool,
}

/// Why a sweep ends before it has seen everything.
#[derive(Debug)]
enum Stop {
    OutOfTime,
    /// It took longer than its lease to say that it is alive, and another has begun.
    Lost,
    Failed(String),
    /// There is what it cannot see, and no later sweep will.
    Unable(String),
}

async fn one(run: &Run<'_>, declaration: &'static Declaration) -> Row {
    let (app, row) = (run.app, Row::new(declaration));
    if let Sweepable::No(reason) = declaration.sweepable() {
        return row.not_sweepable(reason);
    }
    let Some(store) = app.store() else { return row.failed("there is no idempotency store".into()) };
    let name = ["sweep", declaration.endpoint];
    let (key, old_key) = (app.keys().key(&name), app.keys().old_key(&name));
    let lease = match Lease::begin(store, &key, Some(&old_key)).await {
        Ok(Ok(lease)) => lease,
        Ok(Err(_)) => return row.under_way(),
        Err(unavailable) => return row.failed(unavailable.to_string()),
    };
    let client = app.provided().fhir_client().with_deadline(run.stop);
    let occasion = Event::unknown();
    let looked = lease.state().clock.as_ref().map(|clock| clock.seen);
    let mut sweep = Sweep { run, declaration, client, lease, row, occasion, looked, tells_time: false };
    // A token provider of the user's runs in it.
    let ended = contain(sweep.run()).await;
    let Sweep { lease, mut row, .. } = sweep;
    row.watermark.clone_from(&lease.state().watermark);
    row.note_odd();
    let mut row = match ended {
        Ok(Ok(())) => row,
        Ok(Err(Stop::OutOfTime)) => row.out_of_time(),
        Ok(Err(Stop::Lost)) => Row { left: true, ..row }.under_way(),
        Ok(Err(Stop::Failed(message))) => row.failed(message),
        Ok(Err(Stop::Unable(message))) => {
            row.note(message);
            Row { left: true, ..row }
        }
        Err(_panicked) => row.failed("it panicked: see the program's log".into()),
    };
    if let Err(unavailable) = lease.end().await {
        row = row.failed(unavailable.to_string());
    }
    row
}

impl Sweep<'_> {
    async fn run(&mut self) -> Result<(), Stop> {
        let located = self.locate().await?;
        start::begin(self, located.as_ref()).await?;
        if let (Trigger::Topic(_), Some(located)) = (&self.declaration.trigger, &located)
            && by_number::sweep(self, &located.id).await?
        {
            return Ok(());
        }
        if let Sweepable::ByNumber(reason) = self.declaration.sweepable() {
            self.row.cannot(reason);
            return Ok(());
        }
        let Some(question) = self.question() else { return Ok(()) };
        let Interactions { create, update, delete } = self.declaration.interactions;
        // Before what is there: what was deleted and is back again is handled as it is in the end.
        let of_deletions = if delete {
            let is_all = !create && !update;
            let stop = if is_all { self.run.stop } else { self.run.stop.sooner_by_half() };
            deletions::sweep(self, &question, stop).await
        } else {
            Ok(())
        };
        if let Err(Stop::Lost) = of_deletions {
            return Err(Stop::Lost);
        }
        // What is there is no deletion.
        if create || update {
            walk::walk(self, &question, What::Changed, self.run.stop).await?;
        }
        of_deletions
    }

    /// The subscription on the server, armed again if need be.
    async fn locate(&mut self) -> Result<Option<Located>, Stop> {
        let client = self.registration_client();
        let located = match registration::locate(self.run.server, &client, self.declaration).await {
            Ok(located) => located,
            // It is known already where to go on.
            Err(error) if self.lease.state().watermark.is_some() && !self.run.stop.has_passed() => {
                self.row.note(format!("looking for its Subscription failed: {error}"));
                None
            }
            Err(error) => return Err(self.stop("looking for its Subscription", &error)),
        };
        if let Some(located) = &located {
            let subscription = format!("Subscription/{}", located.id);
            self.row.subscription = Some(subscription.clone());
            match &located.rearmed {
                None if located.status == "off" => self.row.note("it is turned off on the server".into()),
                None => {}
                Some(Ok(())) => self.row.rearmed = true,
                Some(Err(error)) => self.row.not_rearmed(error),
            }
            self.occasion.subscription = Some(subscription);
        }
        if let Trigger::Topic(topic) = &self.declaration.trigger {
            self.occasion.topic = Some(topic.url.into());
        }
        Ok(located)
    }

    /// What the server is asked for: what `register` has registered.
    fn question(&self) -> Option<Question> {
        Question::of(self.declaration, self.run.server.settings())
    }

    fn registration_client(&self) -> FhirClient {
        self.run.server.registration_client().with_deadline(self.run.stop)
    }

    /// Stands for a question, in what is kept of it.
    fn key_of<'q>(&'q self, parts: impl IntoIterator<Item = &'q str>) -> String {
        let mut all = vec![self.client.base_url().as_str()];
        all.extend(parts);
        self.run.app.keys().key(&all).to_string()
    }

    fn in_time(&self) -> Result<(), Stop> {
        if self.run.has_time(self.is_first()) { Ok(()) } else { Err(Stop::OutOfTime) }
    }

    /// What a request that failed means.
    fn stop(&self, doing: &str, error: &Error) -> Stop {
        if error.is_timeout() && self.run.stop.has_passed() {
            Stop::OutOfTime
        } else {
            Stop::Failed(format!("{doing} failed: {error}"))
        }
    }
}

#[cfg(test)]
mod tests;
