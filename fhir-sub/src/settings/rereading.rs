//! [`Rereading`]: reads secrets that are references again while the program runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, Weak};
use std::time::{Duration, SystemTime};

use futures_core::future::BoxFuture;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::secrets::Secrets;
use super::{Places, Settings, SharedSecret, Variables};
use crate::client::{Authorization, Renewal};
use crate::deadline::Deadline;

/// The secrets are read at most once in this time, however many callers are refused.
const PAUSE: Duration = Duration::from_secs(60);

/// If the secrets were read longer ago than this, they are read again beside the next request, so that no old secret
/// stays valid for ever.
const STALE: Duration = Duration::from_secs(5 * 60);

/// The longest that a refused request waits for the secrets.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a reading is tried, and the pause in between: AWS may be throttling.
const TRIES: u32 = 3;
const AFTER_FAILURE: Duration = Duration::from_millis(200);

/// Held from the comparison with the other tenants' secrets until the new ones are there.
static APART: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// The secrets that are references. They are read again if a caller's secret or the program's own sign-in is refused,
/// at most once a minute. While requests come, they are also read again every five minutes.
///
/// A refused caller waits for the reading, even a stranger. A caller with a right secret does not wait.
pub(crate) struct Rereading {
    places: Arc<dyn Places>,
    /// The reader holds the lock. Callers that are refused meanwhile wait for its result.
    variables: Mutex<Variables>,
    latest: RwLock<Latest>,
    began: Instant,
    /// The clock of the machine, which also runs while a Lambda is frozen.
    clock: Clock,
    began_at: SystemTime,
    /// The milliseconds since `began` from which the secrets may be read again.
    allowed_at: AtomicU64,
    /// The milliseconds since `began` from which the secrets are stale.
    stale_at: AtomicU64,
    /// How often the secrets have changed.
    version: AtomicU64,
    /// The other tenants.
    others: OnceLock<Vec<OtherTenant>>,
}

/// Another tenant, whose secrets must not become secrets of this one.
pub(crate) struct OtherTenant {
    pub(crate) at_start: Secrets,
    pub(crate) rereading: Option<Weak<Rereading>>,
}

impl OtherTenant {
    fn secrets(&self) -> Vec<SharedSecret> {
        let read = self.rereading.as_ref().and_then(Weak::upgrade).and_then(|rereading| rereading.settings());
        let secrets = read.as_ref().map_or(&self.at_start, |settings| &settings.secrets);
        secrets.by_name().map(|(_, secret)| secret.clone()).collect()
    }
}

/// The clock of the machine.
type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

#[derive(Default)]
struct Latest {
    /// The settings with the secrets that were read last; `None` until the secrets change.
    settings: Option<Arc<Settings>>,
    /// How often the sign-in has changed.
    sign_in: u64,
}

impl Rereading {
    /// `variables` were read from `places` just now.
    pub(crate) fn new(variables: Variables, places: Arc<dyn Places>, clock: Clock) -> Self {
        Self {
            places,
            variables: Mutex::new(variables),
            latest: RwLock::default(),
            began: Instant::now(),
            began_at: clock(),
            clock,
            allowed_at: AtomicU64::new(0),
            stale_at: AtomicU64::new(millis(STALE)),
            version: AtomicU64::new(0),
            others: OnceLock::new(),
        }
    }

    /// Refuses secrets of these tenants from now on. A later call changes nothing.
    pub(crate) fn keep_apart_from(&self, others: Vec<OtherTenant>) {
        let _ = self.others.set(others);
    }

    /// How often the secrets have changed since the start.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The settings with the secrets that were read last; `None` until the secrets change.
    pub(crate) fn settings(&self) -> Option<Arc<Settings>> {
        self.latest(|latest| latest.settings.clone())
    }

    /// Whether the secrets are stale, and should be read again. Only one caller gets this answer.
    pub(crate) fn is_due(&self) -> bool {
        let (now, stale_at) = (self.now(), self.stale_at.load(Ordering::Relaxed));
        let next = now + millis(PAUSE);
        is_over(stale_at, STALE, now)
            && self.stale_at.compare_exchange(stale_at, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Whether the secrets have changed since version `seen`. Reads them again first, unless they were read within the
    /// last minute.
    pub(crate) async fn has_changed_since(self: &Arc<Self>, seen: u64, deadline: Option<Deadline>) -> bool {
        self.read_until(|| self.version() > seen, deadline).await
    }

    /// Reads the secrets again even if the minute is not over, for a caller that has the right to ask for it.
    pub(crate) async fn read_now(self: &Arc<Self>, deadline: Deadline) {
        self.allowed_at.store(0, Ordering::Relaxed);
        self.read_until(|| false, Some(deadline)).await;
    }

    /// Reads the secrets again, unless `is_newer` already holds or the minute is not over. Returns whether `is_newer`
    /// holds then.
    async fn read_until(self: &Arc<Self>, is_newer: impl Fn() -> bool, deadline: Option<Deadline>) -> bool {
        if is_newer() {
            return true;
        }
        if !self.may_read() && self.variables.try_lock().is_ok() {
            // Most refused callers leave here.
            return false;
        }
        // A separate task: if the time of this caller runs out, the others still get the result.
        let this = Arc::clone(self);
        let reading = tokio::spawn(async move {
            let mut variables = this.variables.lock().await;
            if this.may_read() {
                this.allowed_at.store(this.now() + millis(PAUSE), Ordering::Relaxed);
                this.read(&mut variables).await;
            }
        });
        let end = Deadline::after(PATIENCE);
        let end = deadline.map_or(end, |deadline| deadline.min(end));
        let _ = tokio::time::timeout_at(end.instant(), reading).await;
        is_newer()
    }

    /// Whether the last reading was at least a minute ago.
    fn may_read(&self) -> bool {
        is_over(self.allowed_at.load(Ordering::Relaxed), PAUSE, self.now())
    }

    async fn read(&self, variables: &mut Variables) {
        self.stale_at.store(self.now() + millis(STALE), Ordering::Relaxed);
        let mut tries = 1;
        let mut fresh = loop {
            match variables.read_again(&*self.places, self.now()).await {
                Ok(fresh) => break fresh,
                Err(_) if tries < TRIES => tries += 1,
                Err(problem) => {
                    tracing::warn!(problem, "the secrets could not be read again, and stay as they were");
                    return;
                }
            }
            tokio::time::sleep(AFTER_FAILURE).await;
        };
        // Two tenants that read one new secret at the same moment must not both accept it.
        let _apart = APART.lock().unwrap_or_else(PoisonError::into_inner);
        let of_others: Vec<_> =
            self.others.get().into_iter().flatten().flat_map(OtherTenant::secrets).collect();
        fresh.drop_previous_among(&of_others);
        if fresh.is_same(variables, |_| true) {
            *variables = fresh;
            return;
        }
        let settings = match Settings::read(&fresh) {
            Ok(settings) => settings,
            Err(problems) => {
                tracing::warn!(
                    %problems,
                    "the secrets were read again and are wrong, so the earlier ones stay in use: correct them where `problems` \
                     says, and the program reads them again"
                );
                return;
            }
        };
        if let Some((name, _)) = settings.secrets.by_name().find(|(_, secret)| of_others.contains(secret)) {
            tracing::warn!(
                setting = name,
                tenant = settings.tenant,
                "the secrets were read again, and `setting` is a secret of another tenant, so the earlier ones stay in use: give each \
                 tenant its own, and the program reads them again"
            );
            return;
        }
        let is_same_sign_in = fresh.is_same(variables, |name| name.starts_with("FHIR_AUTH_"));
        *variables = fresh;
        {
            let mut latest = self.latest.write().unwrap_or_else(PoisonError::into_inner);
            latest.settings = Some(Arc::new(settings));
            latest.sign_in += u64::from(!is_same_sign_in);
        }
        self.version.fetch_add(1, Ordering::Release);
        // Places are read one after the other, or from caches, so they may show a rotation only in part. The secrets
        // are read again in a minute.
        self.stale_at.store(self.now() + millis(PAUSE), Ordering::Relaxed);
        tracing::info!("the secrets were read again, and have changed");
    }

    fn latest<T>(&self, part: impl FnOnce(&Latest) -> T) -> T {
        part(&self.latest.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn now(&self) -> u64 {
        let by_the_machine = (self.clock)().duration_since(self.began_at).unwrap_or_default();
        millis(self.began.elapsed().max(by_the_machine))
    }
}

/// Whether a wait of at most `longest` until `end` is over. If the machine's clock was set back, `end` may lie further
/// ahead than `longest`: then the wait is over, too.
fn is_over(end: u64, longest: Duration, now: u64) -> bool {
    now >= end || end - now > millis(longest)
}

/// Reads the program's own sign-in again.
pub(crate) struct SignInAgain(pub(crate) Arc<Rereading>);

impl Renewal for SignInAgain {
    fn renewed(&self, seen: u64, deadline: Option<Deadline>) -> BoxFuture<'_, Option<(u64, Authorization)>> {
        let Self(rereading) = self;
        Box::pin(async move {
            let is_newer = || rereading.latest(|latest| latest.sign_in > seen);
            if !rereading.read_until(is_newer, deadline).await {
                return None;
            }
            rereading.latest(|latest| Some((latest.sign_in, latest.settings.as_ref()?.authorization.clone())))
        })
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
