//! The sweep finds changes on the server that no notification reported, and handles them.
//!
//! Its findings are delivered like the events of a notification, through the same store, so nothing is
//! handled twice. For each subscription it keeps a watermark, by the server's clock. The watermark moves on
//! only when everything before it is done or given up, and the next sweep continues from there.

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
use futures_util::future::Shared;
use futures_util::{FutureExt, StreamExt};
use tracing::Instrument;

#[cfg(feature = "local")]
pub(crate) use self::every::every;
pub(crate) use self::options::SweepOptions;
pub(crate) use self::report::{Report, Row};

use self::lease::Lease;
use self::report::RowResult;
use self::suspects::Suspects;
use self::walk::What;
use crate::app::{App, Parent, SpanKind};
use crate::client::{Error, FhirClient};
use crate::contain::contain;
use crate::deadline::Deadline;
use crate::declaration::{Declaration, Sweepable, Trigger};
use crate::delivery::Time;
use crate::delivery::changed::Question;
use crate::event::Event;
use crate::fhir::Instant;
use crate::interaction::Interactions;
use crate::registration::{self, FindError, Located};
use crate::silence;
use crate::sorted;

/// How many subscriptions are swept at the same time.
const AT_A_TIME: usize = 4;

/// The time that is reserved for saving the state at the end.
const TO_END: Duration = Duration::from_secs(2);

/// With less time left, nothing more is handled, unless the sweep had little time from the start.
const TO_HANDLE: Duration = Duration::from_secs(5);

/// The longest time for a page, if the sweep has twice as much: a large server sorts for long.
const PATIENCE: Duration = Duration::from_secs(120);

/// Why a sweep is refused: without a durable record, it would handle everything again.
pub(crate) fn refusal(app: &App) -> Option<&'static str> {
    match app.store() {
        None => Some(
            "FHIR_SUBSCRIPTION_IDEMPOTENCY is off, and a sweep must know what was handled: set it to dynamodb:TABLE, \
             postgres://… or sqlite:FILE",
        ),
        // Each instance of a Lambda has files of its own, so SQLite does not help there.
        Some(store) if app.settings().on_lambda && !store.is_durable() => Some(
            "FHIR_SUBSCRIPTION_IDEMPOTENCY is memory, and an instance of a Lambda does not know what others have handled: \
             set it to dynamodb:TABLE or postgres://…",
        ),
        Some(_) => None,
    }
}

/// Ready when the program is told to stop.
type Stopped = Shared<BoxFuture<'static, ()>>;

/// Sweeps every subscription that `options` select. If one fails, the others still run. The caller has
/// checked that there is no [`refusal`].
pub(crate) async fn sweep(
    app: &App,
    options: &SweepOptions,
    deadline: Deadline,
    request_id: Option<&str>,
) -> Report {
    sweep_until(app, options, deadline, request_id, None).await
}

/// The same, but nothing more begins once `stopped` is ready.
async fn sweep_until(
    app: &App,
    options: &SweepOptions,
    deadline: Deadline,
    request_id: Option<&str>,
    stopped: Option<&Stopped>,
) -> Report {
    let swept = sweep_now(app, options, deadline, request_id, stopped);
    match app.span(SpanKind::Internal, "sweep", || Parent::Current) {
        None => swept.await,
        Some(span) => Box::pin(swept.instrument(span)).await,
    }
}

async fn sweep_now(
    app: &App,
    options: &SweepOptions,
    deadline: Deadline,
    request_id: Option<&str>,
    stopped: Option<&Stopped>,
) -> Report {
    // A Subscription that is re-armed is told the secrets of now.
    let app = &*app.with_secrets_of_now(deadline).await;
    let stop = deadline.earlier_by(TO_END);
    let declarations: Vec<_> =
        app.registry().declarations().iter().copied().filter(|it| options.mean(it.endpoint)).collect();
    let rows = match registration::recognised(app, stop).await {
        Err(message) => declarations.into_iter().map(|it| Row::new(it).failed(message.clone())).collect(),
        Ok(server) => {
            let least = TO_HANDLE.min(stop.remaining() / 4);
            let time = Time::until(app.deadline_without_caller().min(stop));
            let suspects = Suspects::default();
            let run = Run { app, server: &server, options, stop, stopped, time, least, suspects, request_id };
            let mut declarations: Vec<_> = declarations.into_iter().enumerate().collect();
            if declarations.len() > AT_A_TIME {
                // Subscriptions that take all the time must not keep the same others waiting in each sweep.
                fastrand::shuffle(&mut declarations);
            }
            let work: Vec<BoxFuture<'_, (usize, Row)>> = declarations
                .into_iter()
                .map(|(place, it)| -> BoxFuture<'_, _> {
                    Box::pin(one(&run, it).map(move |row| (place, row)))
                })
                .collect();
            // Not in order: one that takes all the time must not keep those behind it waiting.
            let swept = futures_util::stream::iter(work).buffer_unordered(AT_A_TIME);
            let mut rows: Vec<_> = swept.collect().await;
            sorted::by_key(&mut rows, |(place, _)| *place);
            let mut rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
            suspects::handle(&run, &mut rows).await;
            rows
        }
    };
    let is_durable = app.durable_store().is_some();
    let forgotten = app.store().map_or(0, |store| store.forgotten());
    let report = Report::new(rows, is_durable, forgotten);
    report.write(app, request_id);
    report
}

/// The common state of the sweeps of all subscriptions.
struct Run<'a> {
    app: &'a App,
    /// The same app, after its server is recognised.
    server: &'a App,
    options: &'a SweepOptions,
    /// When everything must have ended.
    stop: Deadline,
    stopped: Option<&'a Stopped>,
    /// The time for events; each event gets a share.
    time: Time,
    /// With less time left, nothing is handled: a failure for lack of time would count as a try.
    least: Duration,
    /// Events that have killed an instance, left for the end.
    suspects: Suspects,
    request_id: Option<&'a str>,
}

/// The sweep of one subscription.
struct Sweep<'a> {
    run: &'a Run<'a>,
    declaration: &'static Declaration,
    client: FhirClient,
    /// How long a page may take.
    patience: Duration,
    lease: Lease<'a>,
    row: Row,
    /// The Subscription and the topic of the events that are found.
    occasion: Event,
    /// When the previous sweep read the server's clock, by the clock here.
    looked: Option<Instant>,
    /// Whether the server says what time it is.
    tells_time: bool,
    /// Whether the server's clock was put back, so the current search must restart.
    went_back: bool,
    /// Whether the numbers of a topic's events have probably shown everything: a search only makes sure.
    may_do_without_search: bool,
    /// When it began, by the clock here.
    began: Instant,
    /// Whether its last search has ended, and everything that it found is settled.
    has_found_all: bool,
    /// Whether a deletion is left to the next sweep.
    leaves_deletion: bool,
    /// A failure that the sweep reports after it has done the rest.
    failure: Option<&'static str>,
}

/// Why a sweep ends before it has seen everything.
#[derive(Debug)]
enum Stop {
    OutOfTime,
    /// It renewed its lease too late, and another sweep has begun.
    Lost,
    Failed(String),
    /// There are changes that neither this sweep nor a later one can see.
    Unable(String),
}

async fn one(run: &Run<'_>, declaration: &'static Declaration) -> Row {
    let (app, row) = (run.app, Row::new(declaration));
    if let Sweepable::No(reason) = declaration.sweepable() {
        return row.not_sweepable(reason);
    }
    let Some(store) = app.store() else { return row.failed("there is no idempotency store".into()) };
    let name = ["sweep", declaration.endpoint];
    let (key, rotated) = (app.keys().key(&name), app.before_rotation().map(|app| app.keys().key(&name)));
    let of_before = store.may_have_old_keys().then(|| app.keys().old_key(&name));
    let old_keys: Vec<_> = rotated.into_iter().chain(of_before).collect();
    let lease = match Lease::begin(store, &key, &old_keys).await {
        Ok(Ok(lease)) => lease,
        Ok(Err(_)) => return row.under_way(),
        Err(unavailable) => return row.failed(unavailable.to_string()),
    };
    let patience = (run.stop.remaining() / 2).min(PATIENCE);
    let client = app.provided().fhir_client().with_deadline(run.stop).with_patience(patience);
    let looked = lease.state().clock.as_ref().map(|clock| clock.seen);
    let mut sweep = Sweep {
        run,
        declaration,
        client,
        patience,
        lease,
        row,
        occasion: Event::unknown(),
        looked,
        tells_time: false,
        went_back: false,
        may_do_without_search: false,
        began: app.now(),
        has_found_all: false,
        leaves_deletion: false,
        failure: None,
    };
    // The requests may run a token provider of the user's.
    let ended = contain(sweep.run()).await;
    let Sweep { lease, mut row, failure, .. } = sweep;
    row.watermark.clone_from(&lease.state().watermark);
    row.note_odd();
    row.note_unarmed();
    let mut row = match ended {
        Ok(Ok(())) => row,
        Ok(Err(Stop::OutOfTime)) => row.out_of_time(),
        Ok(Err(Stop::Lost)) => Row { left: true, ..row }.under_way(),
        Ok(Err(Stop::Failed(message))) => row.failed(message),
        Ok(Err(Stop::Unable(message))) => {
            row.note(message);
            Row { left: true, is_blind: true, ..row }
        }
        Err(_panicked) => row.failed("it panicked: see the program's log".into()),
    };
    if let Some(failure) = failure
        && row.result != RowResult::UnderWay
    {
        row = row.failed(failure.to_owned());
    }
    if let Err(unavailable) = lease.end().await {
        row = row.failed(unavailable.to_string());
    }
    row
}

impl Sweep<'_> {
    async fn run(&mut self) -> Result<(), Stop> {
        let located = self.locate().await?;
        self.listen(located.as_ref()).await;
        start::begin(self, located.as_ref()).await?;
        self.note_forgotten();
        if let (Trigger::Topic(_), Some(located)) = (&self.declaration.trigger, &located)
            && by_number::sweep(self, &located.id).await?
        {
            return Ok(());
        }
        if let Sweepable::ByNumber(reason) = self.declaration.sweepable() {
            // If the numbers have led on before, the Subscription is gone, or the server refuses what it allowed.
            let state = self.lease.state();
            // An earlier version of the program saved the number only.
            let has_led = state.has_led || state.number.is_some_and(|number| number > 0);
            self.row.left |= has_led && !self.row.has_counted;
            self.row.cannot(reason);
            return Ok(());
        }
        let Some(question) = self.question() else { return Ok(()) };
        let Interactions { create, update, delete } = self.declaration.interactions;
        // Deletions come first: if a resource was deleted and created again, its current version must be
        // handled last.
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
        let leaves_deletion = self.leaves_deletion || !matches!(of_deletions, Ok(()) | Err(Stop::Unable(_)));
        // A handler of deletions only does not want what exists.
        if create || update {
            let walked = walk::walk(self, &question, What::Changed, self.run.stop).await;
            if let (Err(Stop::Unable(refusal)), true) = (&walked, self.may_do_without_search) {
                let note = "if the server restarted its count of events before this sweep, some may be missing: the server refuses a search";
                self.row.note(format!("{note}: {refusal}"));
                let state = self.lease.state_mut();
                state.owe_no_search();
                state.round = None;
                return of_deletions;
            }
            walked?;
        }
        // No number leads to a deletion that is left: the next sweep must look for it again.
        let has_found_all = (self.has_found_all || !(create || update)) && !leaves_deletion;
        if has_found_all && self.is_index_complete() {
            self.lease.state_mut().owe_no_search();
        }
        of_deletions
    }

    /// Whether the overlap has passed since the server last lacked an event, so that its index has the resource.
    fn is_index_complete(&self) -> bool {
        let since = self.lease.state().search_owed_since;
        since.is_none_or(|since| self.began > since.after(self.overlap()))
    }

    /// Notes that the sweep looks further back than the store remembers. It may handle again what was handled then.
    fn note_forgotten(&mut self) {
        let retention = self.run.app.settings().idempotency.retention;
        let (from, known) = (self.from(What::Changed), self.here().before(retention));
        if from < known && self.run.app.durable_store().is_some() {
            let note = format!(
                "it looks for changes since {from}, but the store knows only events that were handled since {known} \
                 (FHIR_SUBSCRIPTION_STORE_DAYS): earlier events are handled again"
            );
            // The last note is the reason of a failure.
            self.row.notes.insert(0, note);
        }
    }

    /// Finds the Subscription on the server, and re-arms it if necessary.
    async fn locate(&mut self) -> Result<Option<Located>, Stop> {
        let client = self.registration_client();
        let located = match registration::locate(self.run.server, &client, self.declaration).await {
            Ok(located) => located,
            // An earlier sweep has saved where a search continues. Without a search, only the Subscription's numbers lead on.
            Err(error)
                if self.lease.state().watermark.is_some()
                    && self.question().is_some()
                    && !self.run.stop.has_passed() =>
            {
                self.row.note(format!("looking for its Subscription failed: {error}"));
                None
            }
            Err(FindError::Server(error)) => return Err(self.stop("looking for its Subscription", &error)),
            // Without its id, the Subscription would count as missing, and a first sweep would begin now.
            Err(FindError::Store(unavailable)) => return Err(Stop::Failed(unavailable.to_string())),
        };
        if let Some(located) = &located {
            let subscription = format!("Subscription/{}", located.id);
            self.row.subscription = Some(subscription.clone());
            match &located.rearmed {
                None if located.status == "off" => self.row.note("it is turned off on the server".into()),
                None => {}
                Some(Ok(())) => self.row.rearmed(self.lease.state().rearmed),
                Some(Err(error)) => self.row.not_rearmed(error),
            }
            self.lease.state_mut().rearmed = matches!(located.rearmed, Some(Ok(())));
            self.occasion.subscription = Some(subscription);
        }
        if let Trigger::Topic(topic) = &self.declaration.trigger {
            self.occasion.topic = Some(topic.url.into());
        }
        Ok(located)
    }

    /// Notes whether the server has promised heartbeats and is silent. If so, asks it by `$status` how many events there
    /// have been.
    async fn listen(&mut self, located: Option<&Located>) {
        let Some(silence) = silence::look(self.run.server, self.declaration).await else { return };
        self.row.heartbeats_missed = silence.missed;
        let mut words = silence.words(self.run.app.now());
        if let Some(located) = located {
            let counted = registration::counter(&self.registration_client(), &located.id).await;
            let said = counted.map_or("does not answer `$status`".to_owned(), |events| {
                format!("has counted {events} events")
            });
            words = format!("{words}; the server has it as `{}`, and {said}", located.status);
        }
        self.row.note(words);
    }

    /// The question to the server: the search that `register` has registered.
    fn question(&self) -> Option<Question> {
        if self.declaration.sweepable() != Sweepable::Yes {
            return None;
        }
        Question::of(self.declaration, self.run.server.settings())
    }

    fn registration_client(&self) -> FhirClient {
        self.run.server.registration_client().with_deadline(self.run.stop)
    }

    /// A key for a question, in the saved state.
    fn key_of<'q>(&'q self, parts: impl IntoIterator<Item = &'q str>) -> String {
        let mut all = vec![self.client.base_url().as_str()];
        all.extend(parts);
        self.run.app.keys().key(&all).to_string()
    }

    /// Whether there is time to read more. Events that are left for the end of the sweep must not wait for one slow page
    /// after another in each sweep.
    fn in_time(&self) -> Result<(), Stop> {
        let may_take_all = self.is_first() && self.run.suspects.is_empty();
        if self.run.has_time(may_take_all) { Ok(()) } else { Err(Stop::OutOfTime) }
    }

    /// Whether a request that began then had half of the time that a page may take.
    fn had_time(&self, began: tokio::time::Instant) -> bool {
        began.elapsed() * 2 >= self.patience
    }

    /// The end of the sweep after a failed request.
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
