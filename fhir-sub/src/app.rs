//! [`App`]: a program's subscriptions, settings and state, ready to handle requests.

mod bodies;
mod builder;
mod headers;
mod rotation;
mod sources;
mod spans;
mod tenants;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub(crate) use self::bodies::{Bodies, Taken};
pub use self::builder::AppBuilder;
use self::rotation::Rotation;
use self::spans::Spans;
pub(crate) use self::spans::{FLUSH_PATIENCE, Parent, SpanKind, flush};
use self::tenants::Tenant;
use crate::client::FhirClient;
#[cfg(feature = "registration")]
use crate::client::PageLimits;
use crate::deadline::Deadline;
use crate::fhir::Instant;
#[cfg(feature = "token")]
use crate::issuer::Issuer;
use crate::memory::Memory;
#[cfg(feature = "local")]
use crate::metrics::Counters;
use crate::provided::Provided;
#[cfg(feature = "queue")]
use crate::queue::Queue;
use crate::registry::Registry;
#[cfg(feature = "registration")]
use crate::server::Room;
use crate::settings::Settings;
use crate::store::{Keys, Store};

/// The longest invocation of a Lambda, and so the longest time that a message of the queue may take.
const LONGEST_INVOCATION: Duration = Duration::from_secs(15 * 60);

/// The limits of a walk over the Subscriptions of a server. Several walks may run at once.
#[cfg(feature = "registration")]
const SUBSCRIPTIONS: PageLimits = PageLimits::new(2_000, 20_000, 64 << 20, Duration::from_secs(120));

/// A program's subscriptions, settings and state, ready to handle requests.
///
/// An `App` is a [`tower_service::Service`] for `http::Request`s, and cheap to clone. So it works in an axum router and
/// on its own. Each request runs in its own tokio task: if the caller hangs up, the handler still runs to its end.
///
/// ```no_run
/// # async fn host() -> Result<(), Box<dyn std::error::Error>> {
/// let app = fhir_sub::AppBuilder::from_environment().build()?;
/// // axum::Router::new().nest_service("/fhir-hooks", app)
/// # let _ = app; Ok(()) }
/// ```
#[derive(Clone)]
pub struct App(Arc<Parts>, Option<Arc<Rotation>>);

/// A reference to an [`App`] that does not keep it alive.
#[cfg(any(test, feature = "testing", feature = "inspector"))]
pub(crate) type WeakParts = (std::sync::Weak<Parts>, Option<std::sync::Weak<Rotation>>);

pub(crate) struct Parts {
    registry: Arc<Registry>,
    settings: Settings,
    provided: Arc<Provided>,
    memory: Arc<Memory>,
    store: Option<Arc<Store>>,
    #[cfg(feature = "queue")]
    queue: Option<Arc<Queue>>,
    bodies: Bodies,
    #[cfg(feature = "local")]
    counters: Option<Arc<Counters>>,
    keys: Keys,
    /// The same app with the previous store key, during a rotation of the key.
    before_rotation: Option<App>,
    clock: Clock,
    spans: Spans,
    /// The issuer of callers' access tokens.
    #[cfg(feature = "token")]
    issuer: Option<Arc<Issuer>>,
    /// The tenants, each with an app of its own, if the program has any.
    tenants: Vec<Tenant>,
}

/// The clock of this machine.
type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

impl App {
    pub(crate) fn registry(&self) -> &Registry {
        &self.0.registry
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn provided(&self) -> &Provided {
        &self.0.provided
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.0.memory
    }

    /// The store of handled events, unless it is off.
    pub(crate) fn store(&self) -> Option<&Store> {
        self.0.store.as_deref()
    }

    /// The store, if it outlives the process.
    #[cfg(feature = "registration")]
    pub(crate) fn durable_store(&self) -> Option<&Store> {
        self.store().filter(|store| store.is_durable())
    }

    /// The queue for notifications, if there is one.
    #[cfg(feature = "queue")]
    pub(crate) fn queue(&self) -> Option<&Queue> {
        self.0.queue.as_deref()
    }

    /// The issuer of callers' access tokens, if tokens let callers in.
    #[cfg(feature = "token")]
    pub(crate) fn issuer(&self) -> Option<&Issuer> {
        self.0.issuer.as_deref()
    }

    /// The memory for bodies.
    pub(crate) fn bodies(&self) -> &Bodies {
        &self.0.bodies
    }

    /// The counters for Prometheus, if they are on.
    #[cfg(feature = "local")]
    pub(crate) fn counters(&self) -> Option<&Counters> {
        self.0.counters.as_deref()
    }

    /// This machine's time.
    pub(crate) fn now(&self) -> Instant {
        Instant::from((self.0.clock)())
    }

    /// Makes the keys of the store's records.
    pub(crate) fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// The same app with the previous store key, during a rotation of the key.
    pub(crate) fn before_rotation(&self) -> Option<&Self> {
        self.0.before_rotation.as_ref()
    }

    /// Runs once, before the first request.
    pub(crate) fn begin(&self) {
        self.log_panics();
        for app in self.apps() {
            for warning in app.settings().warnings() {
                tracing::warn!(tenant = app.tenant_name(), "{warning}");
            }
        }
    }

    /// Logs every panic of the process: the place always, and the message only if `FHIR_SUBSCRIPTION_LOG_ERRORS` is `text`, because it
    /// may quote a patient. `fhir_lambda_main!` calls this. If you write your own `main`, call it once. With tenants, the message is logged
    /// only if the setting is `text` for all of them.
    pub fn log_panics(&self) {
        crate::logs::log_panics(self.quotes_panics());
    }

    /// Whether the messages of panics may be logged. A panic does not say whose event it ended, so each tenant must allow that.
    fn quotes_panics(&self) -> bool {
        self.apps().all(|app| app.settings().log.error_text)
    }

    /// The client that writes Subscriptions, because a server may keep them under a path of their own.
    #[cfg(feature = "registration")]
    pub(crate) fn registration_client(&self) -> FhirClient {
        let Settings { fhir_server, fhir_version, .. } = self.0.settings;
        let fhir_client = self.0.provided.fhir_client();
        let fhir_client = if fhir_server.holds_several_versions {
            fhir_client.of_version(fhir_version)
        } else {
            fhir_client.clone()
        };
        let fhir_client = fhir_client.with_page_limits(SUBSCRIPTIONS);
        match fhir_server.registering.path {
            Some(path) => fhir_client.below(path),
            None => fhir_client,
        }
    }

    /// The same app with another server.
    #[cfg(feature = "registration")]
    pub(crate) fn at(&self, server: &'static Room) -> Self {
        let settings = Settings { fhir_server: server, is_server_unknown: false, ..self.0.settings.clone() };
        self.with(self.0.registry.clone(), settings)
    }

    /// The same app without its handlers.
    #[cfg(feature = "registration")]
    pub(crate) fn without_handlers(&self) -> Self {
        self.with(Arc::new(Registry::empty()), self.0.settings.clone())
    }

    /// The same app without store and queue: at the desk, an event is handled each time that it is sent.
    #[cfg(feature = "inspector")]
    pub(crate) fn at_desk(&self) -> Self {
        let parts = &*self.0;
        let at_desk = Parts {
            memory: Arc::default(),
            store: None,
            before_rotation: None,
            #[cfg(feature = "queue")]
            queue: None,
            ..parts.with(parts.registry.clone(), parts.settings.clone())
        };
        Self(Arc::new(at_desk), None)
    }

    fn with(&self, registry: Arc<Registry>, settings: Settings) -> Self {
        Self(Arc::new(self.0.with(registry, settings)), None)
    }

    #[cfg(any(test, feature = "testing", feature = "inspector"))]
    pub(crate) fn downgrade(&self) -> WeakParts {
        (Arc::downgrade(&self.0), self.1.as_ref().map(Arc::downgrade))
    }

    #[cfg(any(test, feature = "testing", feature = "inspector"))]
    pub(crate) fn upgrade((parts, rotation): &WeakParts) -> Option<Self> {
        Some(Self(parts.upgrade()?, rotation.as_ref().and_then(std::sync::Weak::upgrade)))
    }

    /// The deadline of a request that begins now: the time limit or the end of the invocation, whichever is
    /// sooner.
    pub(crate) fn deadline(&self, invocation: Option<Deadline>) -> Deadline {
        let limit = Deadline::after(self.0.settings.time_limit);
        invocation.map_or(limit, |invocation| invocation.min(limit))
    }

    /// The deadline of a handler that begins now and that no caller waits for: in a sweep, and for a dead letter. In queue
    /// mode, a handler may be slower than any request.
    pub(crate) fn deadline_without_caller(&self) -> Deadline {
        let limit = self.0.settings.time_limit;
        let is_queued = self.0.settings.queue.is_some();
        Deadline::after(if is_queued { LONGEST_INVOCATION.max(limit) } else { limit })
    }
}

impl Parts {
    fn with(&self, registry: Arc<Registry>, settings: Settings) -> Self {
        Self {
            registry,
            settings,
            provided: self.provided.clone(),
            memory: self.memory.clone(),
            store: self.store.clone(),
            #[cfg(feature = "queue")]
            queue: self.queue.clone(),
            bodies: self.bodies.clone(),
            #[cfg(feature = "local")]
            counters: self.counters.clone(),
            keys: self.keys.clone(),
            before_rotation: self.before_rotation.clone(),
            clock: self.clock.clone(),
            spans: self.spans.clone(),
            #[cfg(feature = "token")]
            issuer: self.issuer.clone(),
            tenants: Self::NO_TENANTS,
        }
    }
}

impl fmt::Debug for App {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("App").field("registry", &self.0.registry).finish_non_exhaustive()
    }
}
