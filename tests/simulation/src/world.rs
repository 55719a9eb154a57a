//! [`World`]: shared by a program, its FHIR server and everything that happens to them; [`Common`]: shared by all
//! programs of a schedule.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use fastrand::Rng;
use fhir_sub::testing::{TestAnswer, TestRequest};
use tokio::time::Instant;

use crate::ledger::Ledger;
use crate::life::{Gone, Running};
use crate::moment;
use crate::plan::{Endpoint, Fault, Ms, Plan, Quirk, Trait};
use crate::server::Server;
use crate::server::answer::BASES;
use crate::shelf::Records;

/// The most requests to the server and calls of the store in a schedule. With more, it would never end.
const MANY: u32 = 60_000;

tokio::task_local! {
    /// The change of a notification, while the notification is handled.
    pub(crate) static TOLD: usize;
}

/// Shared by all programs of a schedule: one, or two with a FHIR server each.
pub(crate) struct Common {
    started: Instant,
    pub(crate) records: Mutex<Records>,
    /// The program of each idempotency key, by its place.
    owners: Mutex<HashMap<String, usize>>,
    violation: Mutex<Option<String>>,
    trace: Option<Mutex<String>>,
}

/// Shared by all participants of a program.
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) common: Arc<Common>,
    /// The place of the program among all programs.
    pub(crate) place: usize,
    dice: Mutex<Rng>,
    pub(crate) server: Mutex<Server>,
    /// The watermarks of changes and of deletions.
    pub(crate) watermarks: Mutex<[u64; 2]>,
    pub(crate) ledger: Mutex<Ledger>,
    /// The instances; `None` if one has died and is not running again yet.
    pub(crate) seats: Mutex<Vec<Option<Arc<Running>>>>,
    is_quiet: AtomicBool,
    /// The numbers of each kind.
    pub(crate) counts: Counts,
}

#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) requests: AtomicU32,
    pub(crate) calls: AtomicU32,
    pub(crate) runs: AtomicU32,
    pub(crate) notifications: AtomicU32,
    pub(crate) writes: AtomicU32,
    pub(crate) crashes: AtomicU32,
    /// The calls of the store that failed.
    pub(crate) failed_calls: AtomicU32,
}

impl Counts {
    /// How many tries may count without having run: the store did not hear how one ended, or the program did not hear that it
    /// began.
    pub(crate) fn unheard(&self) -> u32 {
        [&self.crashes, &self.failed_calls].map(|count| count.load(Ordering::Relaxed)).iter().sum()
    }
}

impl World {
    /// The worlds of all programs.
    pub(crate) fn all(plan: &Plan, is_traced: bool) -> Vec<Arc<Self>> {
        let common = Arc::new(Common {
            started: Instant::now(),
            records: Mutex::default(),
            owners: Mutex::default(),
            violation: Mutex::default(),
            trace: is_traced.then(Mutex::default),
        });
        let count = if plan.setup.has_twin { 2 } else { 1 };
        BASES[..count].iter().enumerate().map(|(place, base)| Self::new(plan, &common, place, base)).collect()
    }

    fn new(plan: &Plan, common: &Arc<Common>, place: usize, base: &'static str) -> Arc<Self> {
        Arc::new(Self {
            plan: plan.clone(),
            common: Arc::clone(common),
            place,
            dice: Mutex::new(Rng::with_seed(plan.seed)),
            server: Mutex::new(Server { base, ..Server::default() }),
            watermarks: Mutex::default(),
            ledger: Mutex::default(),
            seats: Mutex::default(),
            is_quiet: AtomicBool::new(false),
            counts: Counts::default(),
        })
    }

    /// Records that the program has an event with this idempotency key: no other program may have one.
    pub(crate) fn owns(&self, key: &str) {
        let owner = *lock(&self.common.owners).entry(key.to_owned()).or_insert(self.place);
        if owner != self.place {
            self.fail(|| "the programs of two FHIR servers share an idempotency key".to_owned());
        }
    }

    /// Milliseconds since the beginning.
    pub(crate) fn now(&self) -> Ms {
        u64::try_from(self.common.started.elapsed().as_millis()).unwrap_or(Ms::MAX)
    }

    /// The time by a correct clock.
    pub(crate) fn clock(&self) -> SystemTime {
        moment::moment(self.now())
    }

    pub(crate) fn throw(&self, sides: usize) -> usize {
        lock(&self.dice).usize(0..sides)
    }

    pub(crate) fn has(&self, wanted: Trait) -> bool {
        self.plan.faults.contains(&Fault::Trait(wanted))
    }

    /// Whether the server does not let the program read resources.
    pub(crate) fn refuses_reads(&self) -> bool {
        let takes_events = matches!(self.plan.setup.endpoint, Endpoint::Event | Endpoint::TopicEvents);
        self.has(Trait::RefusesReads) && takes_events
    }

    /// Whether the server's own clock is wrong at some time.
    pub(crate) fn has_wrong_clock(&self) -> bool {
        let is_it = |fault: &Fault| matches!(fault, Fault::Clock { is_of_gateway: false, .. });
        self.plan.faults.iter().any(is_it)
    }

    /// Whether notifications do not say what happened, so that the notification of a change may be that of a deletion.
    pub(crate) fn is_told_by_name(&self) -> bool {
        self.plan.setup.endpoint == Endpoint::TopicDeletions
    }

    /// Whether searches show changes later.
    pub(crate) fn has_search_lag(&self) -> bool {
        self.plan.faults.iter().any(|fault| matches!(fault, Fault::Lag(_)))
    }

    /// Whether nothing says the version of an overwritten resource: neither a notification nor a history.
    pub(crate) fn is_without_versions(&self) -> bool {
        let lags = self.plan.faults.iter().any(|fault| matches!(fault, Fault::HistoryLag(_)));
        let has_no_answer = lags || self.has(Trait::NoHistory) || self.refuses_reads();
        self.has(Trait::NoVersions) || has_no_answer && self.is_told_without_versions()
    }

    /// Whether notifications do not say the versions.
    pub(crate) fn is_told_without_versions(&self) -> bool {
        self.has(Trait::Strips) || self.has(Trait::NoVersions) || self.plan.setup.endpoint.is_read_later()
    }

    /// Whether a version may seem older than an event that was known only by its number, since the clock was put back.
    pub(crate) fn may_seem_older(&self) -> bool {
        let is_put_back = |fault: &Fault| matches!(fault, Fault::Clock { until: None, .. });
        self.plan.setup.dialect.has_topics()
            && self.is_without_versions()
            && self.plan.faults.iter().any(is_put_back)
    }

    /// Whether the history says the version of each deletion whenever it is asked.
    pub(crate) fn tells_deletions(&self) -> bool {
        let hides = |fault: &Fault| {
            matches!(
                fault,
                Fault::Request(..)
                    | Fault::HistoryLag(_)
                    | Fault::Late(..)
                    | Fault::Clock { .. }
                    | Fault::Trait(
                        Trait::NoHistory | Trait::NoVersions | Trait::NoDate | Trait::NoHistoryLinks
                    )
            )
        };
        !self.is_told_by_name() && !self.plan.faults.iter().any(hides)
    }

    pub(crate) fn does(&self, quirk: Quirk) -> bool {
        !self.is_quiet() && self.plan.faults.contains(&Fault::Quirk(quirk))
    }

    /// The status of a link that the server does not know any more.
    pub(crate) fn status_of_links(&self) -> Option<u16> {
        self.fault(|fault| match *fault {
            Fault::Quirk(Quirk::ForgetsLinks(status)) => Some(status),
            _ => None,
        })
    }

    /// The fault for something, unless the faults have ended.
    pub(crate) fn fault<T>(&self, find: impl FnMut(&Fault) -> Option<T>) -> Option<T> {
        if self.is_quiet() { None } else { self.plan.faults.iter().find_map(find) }
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.is_quiet.load(Ordering::Relaxed)
    }

    /// Ends all faults, or begins them.
    pub(crate) fn quieten(&self, is_quiet: bool) {
        self.is_quiet.store(is_quiet, Ordering::Relaxed);
        self.log(|| format!("faults {}", if is_quiet { "end" } else { "begin" }));
    }

    /// How far the server's clock is ahead in seconds, or the clock of its gateway.
    pub(crate) fn ahead(&self, by_gateway: bool) -> i64 {
        let now = self.now();
        let of = |fault: &Fault| match *fault {
            Fault::Clock { from, until, seconds, is_of_gateway } if by_gateway || !is_of_gateway => {
                // A clock that was put back stays so.
                let is_over = until.map_or(now < from, |until| self.is_quiet() || now < from || now > until);
                if is_over { 0 } else { seconds }
            }
            _ => 0,
        };
        self.plan.faults.iter().map(of).sum()
    }

    /// Counts one more, and returns its number.
    pub(crate) fn count(&self, counter: &AtomicU32) -> u32 {
        let number = counter.fetch_add(1, Ordering::Relaxed);
        if number > MANY {
            self.fail(|| "there is no end of requests and calls".to_owned());
        }
        number
    }

    /// Records a broken promise. Only the first one counts.
    pub(crate) fn fail(&self, how: impl FnOnce() -> String) {
        let mut violation = lock(&self.common.violation);
        if violation.is_none() {
            let how = how();
            self.log(|| format!("BROKEN: {how}"));
            *violation = Some(how);
        }
    }

    pub(crate) fn violation(&self) -> Option<String> {
        lock(&self.common.violation).clone()
    }

    pub(crate) fn log(&self, line: impl FnOnce() -> String) {
        if let Some(trace) = &self.common.trace {
            let (now, other) = (self.now(), if self.place == 0 { "" } else { "other program: " });
            writeln!(lock(trace), "{:>9}.{:03}  {other}{}", now / 1_000, now % 1_000, line())
                .expect("a text takes it");
        }
    }

    pub(crate) fn trace(&self) -> String {
        self.common.trace.as_ref().map(|trace| lock(trace).clone()).unwrap_or_default()
    }

    /// Sends a request to a running instance, in a separate task: a caller who hangs up ends nothing.
    pub(crate) async fn call(
        self: &Arc<Self>,
        told: Option<usize>,
        request: TestRequest,
    ) -> Result<TestAnswer, Gone> {
        let alive: Vec<_> = lock(&self.seats).iter().flatten().cloned().collect();
        let Some(running) = (!alive.is_empty()).then(|| alive[self.throw(alive.len())].clone()) else {
            return Err(Gone);
        };
        let life = Arc::clone(&running.life);
        let answering = life.mortal(self, async move { running.instance.send(request).await });
        let task = match told {
            Some(told) => tokio::spawn(TOLD.scope(told, answering)),
            None => tokio::spawn(answering),
        };
        task.await.unwrap_or(Err(Gone))
    }
}

/// A task that panicked with the lock has left nothing half done that matters here.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) async fn sleep(time: Ms) {
    tokio::time::sleep(Duration::from_millis(time)).await;
}

/// Lets all other tasks run first.
pub(crate) fn pass() -> impl Future<Output = ()> + Send {
    tokio::task::yield_now()
}
