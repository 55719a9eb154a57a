//! [`App`]: a program's subscriptions, settings and state, ready to handle requests.

mod headers;
mod sources;

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

#[cfg(feature = "registration")]
use crate::client::PageLimits;
use crate::client::transport::{Connection, Transport};
use crate::client::{Authorization, ClientConfig, FhirClient, Signer, TokenProvider};
use crate::deadline::Deadline;
use crate::declaration::Declaration;
use crate::fhir::Instant;
#[cfg(feature = "token")]
use crate::issuer::Issuer;
use crate::memory::Memory;
use crate::placeholder;
use crate::problems::Problems;
use crate::provided::{Provided, States};
#[cfg(feature = "queue")]
use crate::queue::Queue;
use crate::registry::Registry;
#[cfg(feature = "registration")]
use crate::server::Room;
use crate::settings::{Extension, NotReady, Places, Settings, Variables, fhir_version};
use crate::store::{self, Keys, Store, StoreBackend};

/// The limits of a walk over the Subscriptions of a server. Several walks may run at once.
#[cfg(feature = "registration")]
const SUBSCRIPTIONS: PageLimits = PageLimits::new(2_000, 20_000, 64 << 20, Duration::from_secs(120));

/// A program's subscriptions, settings and state, ready to handle requests.
///
/// An `App` is a [`tower_service::Service`] of `http::Request`s, and cheap to clone. So it works in an axum router and on its own.
/// Each request runs in its own tokio task: a caller who hangs up does not end a handler half-way.
///
/// ```no_run
/// # async fn host() -> Result<(), Box<dyn std::error::Error>> {
/// let app = fhir_sub::AppBuilder::from_environment().build()?;
/// // axum::Router::new().nest_service("/fhir-hooks", app)
/// # let _ = app; Ok(()) }
/// ```
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// An [`App`] that may be gone.
#[cfg(any(test, feature = "testing"))]
pub(crate) type WeakParts = std::sync::Weak<Parts>;

pub(crate) struct Parts {
    registry: Arc<Registry>,
    settings: Settings,
    provided: Arc<Provided>,
    memory: Arc<Memory>,
    store: Option<Arc<Store>>,
    #[cfg(feature = "queue")]
    queue: Option<Arc<Queue>>,
    keys: Keys,
    clock: Clock,
    /// The issuer of callers' access tokens.
    #[cfg(feature = "token")]
    issuer: Option<Arc<Issuer>>,
}

/// Tells this machine's time.
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

    /// The queue that notifications go through, if they do.
    #[cfg(feature = "queue")]
    pub(crate) fn queue(&self) -> Option<&Queue> {
        self.0.queue.as_deref()
    }

    /// The issuer of callers' access tokens, if tokens let callers in.
    #[cfg(feature = "token")]
    pub(crate) fn issuer(&self) -> Option<&Issuer> {
        self.0.issuer.as_deref()
    }

    /// This machine's time.
    pub(crate) fn now(&self) -> Instant {
        Instant::from((self.0.clock)())
    }

    /// Makes the keys of the store's records.
    pub(crate) fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// Does what is done once, before the first request.
    pub(crate) fn begin(&self) {
        self.log_panics();
        for warning in self.settings().warnings() {
            tracing::warn!("{warning}");
        }
    }

    /// Logs every panic of the process: the place always, and the message only if `FHIR_SUBSCRIPTION_LOG_ERRORS` is `text`, because it
    /// may quote a patient. `fhir_lambda_main!` calls this. If you write your own `main`, call it once.
    pub fn log_panics(&self) {
        crate::logs::log_panics(self.0.settings.log.error_text);
    }

    /// The client that writes Subscriptions: a server may keep them apart from other resources.
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

    #[cfg(feature = "registration")]
    fn with(&self, registry: Arc<Registry>, settings: Settings) -> Self {
        let parts = &*self.0;
        Self(Arc::new(Parts {
            registry,
            settings,
            provided: parts.provided.clone(),
            memory: parts.memory.clone(),
            store: parts.store.clone(),
            #[cfg(feature = "queue")]
            queue: parts.queue.clone(),
            keys: parts.keys.clone(),
            clock: parts.clock.clone(),
            #[cfg(feature = "token")]
            issuer: parts.issuer.clone(),
        }))
    }

    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn downgrade(&self) -> WeakParts {
        Arc::downgrade(&self.0)
    }

    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn upgrade(parts: &WeakParts) -> Option<Self> {
        parts.upgrade().map(Self)
    }

    /// When a request that begins now must have been answered: after the time limit, or when the
    /// invocation ends, whichever is sooner.
    pub(crate) fn deadline(&self, invocation: Option<Deadline>) -> Deadline {
        let limit = Deadline::after(self.0.settings.time_limit);
        invocation.map_or(limit, |invocation| invocation.min(limit))
    }
}

impl fmt::Debug for App {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("App").field("registry", &self.0.registry).finish_non_exhaustive()
    }
}

/// Builds an [`App`]: `setup` adds state, settings, a token provider, root certificates or a proxy.
///
/// ```
/// use fhir_sub::prelude::*;
///
/// struct Wards(Vec<String>);
///
/// async fn setup(app: AppBuilder) -> Result<AppBuilder> {
///     Ok(app.state(Wards(vec!["north".into(), "south".into()])).set("FHIR_SERVER", "hapi"))
/// }
/// ```
#[must_use = "an app is made by `build`"]
pub struct AppBuilder {
    variables: Variables,
    declarations: Vec<&'static Declaration>,
    states: States,
    token_provider: Option<Arc<dyn TokenProvider>>,
    sources: Vec<(String, ClientConfig)>,
    headers: Vec<String>,
    root_certificates: Vec<Vec<u8>>,
    proxy: Option<url::Url>,
    transport: Option<Arc<dyn Transport>>,
    places: Option<Arc<dyn Places>>,
    store: Option<Arc<dyn StoreBackend>>,
    #[cfg(all(test, feature = "queue"))]
    queue_transport: Option<Arc<dyn Transport>>,
    clock: Option<Clock>,
    body_limit: Option<usize>,
    time_limit: Option<Duration>,
}

impl AppBuilder {
    /// Begins an app with every handler that is linked into the program, and the settings of the environment.
    pub fn from_environment() -> Self {
        Self::new(Variables::from_environment(), Registry::linked())
    }

    pub(crate) fn new(variables: Variables, declarations: Vec<&'static Declaration>) -> Self {
        Self {
            variables,
            declarations,
            states: States::default(),
            token_provider: None,
            sources: Vec::new(),
            headers: Vec::new(),
            root_certificates: Vec::new(),
            proxy: None,
            transport: None,
            places: None,
            store: None,
            #[cfg(all(test, feature = "queue"))]
            queue_transport: None,
            clock: None,
            body_limit: None,
            time_limit: None,
        }
    }

    /// Sets the setting `name` to `value`, whatever the environment says: `set("FHIR_SERVER", "hapi")`.
    ///
    /// Names and forms are the same as for the environment's variables. `set("WARD", "7")` also gives a value to the placeholder
    /// `{WARD}` of a criteria or a filter. An unknown name or a malformed value is a start-up error, reported with all others. An empty
    /// value removes the setting.
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.set(name, value);
        self
    }

    /// Gives handlers `state`, which they take as `State<S>`. There is one value of each type; the last call counts.
    pub fn state<S: Any + Send + Sync>(mut self, state: S) -> Self {
        self.states.insert(state);
        self
    }

    /// Signs in at the FHIR server with tokens of `provider`, and ignores `FHIR_AUTH_…`.
    pub fn token_provider(mut self, provider: impl TokenProvider + 'static) -> Self {
        self.token_provider = Some(Arc::new(provider));
        self
    }

    /// Signs in at the FHIR server as a SMART Backend Service. `signer` signs the assertions, so the key may stay in a key management
    /// service. `FHIR_AUTH_CLIENT_ID` must be set; `FHIR_AUTH_PRIVATE_KEY` and `FHIR_AUTH_KEY_ID` must not. The sandbox needs no
    /// signature. [`Signer`] has an example for AWS KMS.
    pub fn signer(mut self, signer: impl Signer) -> Self {
        self.variables.signer = Some(Arc::new(signer));
        self
    }

    /// The same without the signer: the sandbox lets everybody in.
    #[cfg(feature = "sandbox")]
    pub(crate) fn without_signer(mut self) -> Self {
        self.variables.signer = None;
        self
    }

    /// Names another FHIR server: resources under the base URL `base` are read as `config` says, with that server's own URL, sign-in and
    /// certificates.
    ///
    /// A broker may report resources on the servers of its members. The program reads such a resource only from a server that you name
    /// here. It does not ask the app's own server, and does not send the app's own token. If the server is not named, a handler that
    /// takes only [`Event`](crate::Event) runs, and a handler that needs the resource fails for good (`422`).
    ///
    /// Case, a default port, a slash at the end, and `http` for `https` do not matter in `base`. These are start-up errors: `base` is not
    /// a URL, is named twice, or equals `FHIR_BASE_URL`; or `config` has an `http` URL that is not on loopback, without
    /// `FHIR_ALLOW_HTTP`.
    ///
    /// ```
    /// use fhir_sub::client::{Authorization, ClientConfig};
    /// use fhir_sub::prelude::*;
    ///
    /// async fn setup(app: AppBuilder) -> Result<AppBuilder> {
    ///     let base = "https://hospital.example.org/fhir";
    ///     let token = std::env::var("HOSPITAL_TOKEN")?;
    ///     let hospital = ClientConfig::new(base.parse()?).authorization(Authorization::Bearer(token.into()));
    ///     Ok(app.source(base, hospital))
    /// }
    /// ```
    pub fn source(mut self, base: impl Into<String>, config: ClientConfig) -> Self {
        self.sources.push((base.into(), config));
        self
    }

    /// Lets handlers see the request header `name`, by [`Incoming`](crate::Incoming): for example a tenant that a gateway determined, or
    /// a correlation id.
    ///
    /// It is a start-up error if `name` is not a header's name, or if the header carries a secret: the header of
    /// `FHIR_SUBSCRIPTION_HEADER`, `Authorization`, `Cookie`, a signature.
    pub fn allow_header(mut self, name: impl Into<String>) -> Self {
        self.headers.push(name.into());
        self
    }

    /// Trusts more root certificates (PEM), in addition to the bundled ones and to `FHIR_CA_FILE`.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates.push(pem.into());
        self
    }

    /// Reaches the FHIR server, the token endpoint and the DynamoDB table through the proxy at `url`, and ignores `HTTPS_PROXY`,
    /// `HTTP_PROXY` and `NO_PROXY`.
    pub fn proxy(mut self, url: url::Url) -> Self {
        self.proxy = Some(url);
        self
    }

    /// Refuses bodies of more than `bytes` bytes with 413; the default is 6 MiB.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = Some(bytes);
        self
    }

    /// Ends a request after `limit`, or when the invocation ends if that is sooner; the default is 25 s.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Reaches the FHIR server by `transport`, and no network.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Reads references at `places`, and not at the extension.
    #[cfg(test)]
    pub(crate) fn places(mut self, places: Arc<dyn Places>) -> Self {
        self.places = Some(places);
        self
    }

    /// Uses your own store, and ignores `FHIR_SUBSCRIPTION_IDEMPOTENCY`.
    ///
    /// Several apps may share a store: an `Arc` of a [`StoreBackend`] is one too. `FHIR_SUBSCRIPTION_STORE_KEY`,
    /// `FHIR_SUBSCRIPTION_STORE_DAYS` and `FHIR_SUBSCRIPTION_TRIES` apply to it.
    pub fn store(mut self, backend: impl StoreBackend) -> Self {
        self.store = Some(Arc::new(backend));
        self
    }

    /// Reaches the queue by `transport`, and no network.
    #[cfg(all(test, feature = "queue"))]
    pub(crate) fn queue_transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.queue_transport = Some(transport);
        self
    }

    /// Takes the time from `clock`, and not from the system.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    pub(crate) fn variables(&self) -> &Variables {
        &self.variables
    }

    pub(crate) fn declarations(&self) -> &[&'static Declaration] {
        &self.declarations
    }

    /// Reads the settings that stand elsewhere: `file:/path`, `ssm:/name`, `secretsmanager:NAME` and `secretsmanager:NAME#key`.
    ///
    /// `fhir_lambda_main!` calls it after `setup`; a program with a `main` of its own awaits it before
    /// [`build`](Self::build). Files are read directly. Parameters and secrets are asked of the AWS Parameters and Secrets Lambda
    /// Extension, or of the AWS Secrets Manager Agent, on port 2773 or `PARAMETERS_SECRETS_EXTENSION_HTTP_PORT`; an answer is
    /// awaited for at most 5 seconds. All are read side by side. `build` tells those that could not be read.
    ///
    /// ```no_run
    /// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
    /// let app = fhir_sub::AppBuilder::from_environment().resolve().await.build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn resolve(mut self) -> Self {
        if self.try_resolve().await.is_err() {
            self.variables.give_up_references();
        }
        self
    }

    /// The same; `Err` if the extension is not ready yet, so that a later call may succeed.
    pub(crate) async fn try_resolve(&mut self) -> Result<(), NotReady> {
        if !self.variables.has_references() {
            return Ok(());
        }
        let places = self.places.clone();
        let places =
            places.unwrap_or_else(|| Arc::new(Extension::from_environment(self.variables.on_lambda())));
        self.variables.resolve(&*places).await
    }

    /// What is wrong whatever `setup` does: the handlers, and settings that are there and of no right form.
    pub(crate) fn problems_whatever_setup_does(self) -> Problems {
        let mut problems = Problems::default();
        if let Err(wrong) = Settings::read(&self.variables) {
            wrong.iter().filter(|it| !it.contains(" is not set")).for_each(|it| problems.add(it));
        }
        problems.collect(Registry::new(self.declarations));
        problems
    }

    /// The app, ready to handle requests.
    ///
    /// # Errors
    ///
    /// Every missing or wrong setting, endpoint and state, reported together.
    pub fn build(mut self) -> Result<App, Problems> {
        let mut problems = Problems::default();
        let resolved = placeholder::resolve(&mut self.declarations, &mut self.variables);
        let settings = problems.collect(Settings::read(&self.variables));
        problems.collect(resolved);
        let registry = problems.collect(Registry::new(self.declarations));
        if let Some(registry) = &registry {
            let version = fhir_version(&self.variables).ok();
            problems.collect(registry.check(version, &self.states));
        }
        let (Some(mut settings), Some(registry)) = (settings, registry) else {
            // The client's limits are known without the missing settings.
            let config = ClientConfig::new(url::Url::parse("https://fhir.invalid").expect("it is a URL"));
            let client = client(config, &self.root_certificates, self.proxy, self.transport);
            problems.collect(client.map_err(|error| Problems::from(client_problem(&error))));
            return Err(problems);
        };
        settings.body_limit = self.body_limit.unwrap_or(settings.body_limit);
        settings.time_limit = self.time_limit.unwrap_or(settings.time_limit);
        if let Some(provider) = self.token_provider {
            settings.authorization = Authorization::Provider(provider);
        }

        let config = ClientConfig::new(settings.fhir_base_url.url().clone());
        let config = config.connection(settings.connection.clone());
        let mut config = config.authorization(settings.authorization.clone());
        if settings.fhir_server.holds_several_versions {
            config = config.fhir_version(settings.fhir_version);
        }
        let sources = problems.collect(sources::build(self.sources, &settings, self.transport.as_ref()));
        let headers = problems.collect(headers::allowed(self.headers, &settings));
        let client = client(config, &self.root_certificates, self.proxy, self.transport);
        match client {
            Ok((fhir_client, connection)) => {
                let (sources, headers) = (sources.unwrap_or_default(), headers.unwrap_or_default());
                #[cfg(feature = "token")]
                let issuer = settings.callers.token.clone();
                #[cfg(feature = "token")]
                let issuer = issuer.map(|callers| Arc::new(Issuer::new(callers, fhir_client.transport())));
                let provided = Arc::new(Provided::new(self.states, fhir_client, sources, headers));
                let (registry, memory) = (Arc::new(registry), Arc::default());
                let idempotency = &settings.idempotency;
                let own = self.store.map(|backend| Store::new(backend, idempotency.retention));
                let store = own.or_else(|| store::open(idempotency, &connection)).map(Arc::new);
                #[cfg(feature = "queue")]
                let queue = settings.queue.clone().map(|settings| Queue::new(settings, connection.clone()));
                #[cfg(all(test, feature = "queue"))]
                let queue = queue.map(|queue| queue.over(self.queue_transport));
                #[cfg(feature = "queue")]
                let queue = queue.map(Arc::new);
                let is_durable = store.as_ref().is_some_and(|store| store.is_durable());
                settings.problem_of_sweeping(is_durable).into_iter().for_each(|it| problems.add(it));
                let keys = Keys::new(idempotency.key.as_ref(), settings.fhir_base_url.as_str());
                let clock = self.clock.unwrap_or_else(|| Arc::new(SystemTime::now));
                problems.or(App(Arc::new(Parts {
                    registry,
                    settings,
                    provided,
                    memory,
                    store,
                    #[cfg(feature = "queue")]
                    queue,
                    keys,
                    clock,
                    #[cfg(feature = "token")]
                    issuer,
                })))
            }
            Err(error) => {
                problems.add(client_problem(&error));
                Err(problems)
            }
        }
    }
}

fn client_problem(error: &crate::client::Error) -> String {
    format!("the client of the FHIR server: {error}")
}

/// The client of the FHIR server, of which nothing is set up before its first request, and how it reaches the server.
fn client(
    mut config: ClientConfig,
    root_certificates: &[Vec<u8>],
    proxy: Option<url::Url>,
    transport: Option<Arc<dyn Transport>>,
) -> Result<(FhirClient, Connection), crate::client::Error> {
    for pem in root_certificates {
        config = config.root_certificates_pem(pem)?;
    }
    if let Some(proxy) = proxy {
        config = config.proxy(proxy);
    }
    let connection = config.connection.clone();
    let client = match transport {
        Some(transport) => FhirClient::with_transport(config, transport),
        None => FhirClient::new(config),
    };
    Ok((client?, connection))
}

impl fmt::Debug for AppBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AppBuilder").field("variables", &self.variables).finish_non_exhaustive()
    }
}
