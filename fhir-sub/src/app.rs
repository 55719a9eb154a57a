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
use crate::memory::Memory;
use crate::placeholder;
use crate::problems::Problems;
use crate::provided::{Provided, States};
use crate::registry::Registry;
#[cfg(feature = "registration")]
use crate::server::Room;
use crate::settings::{Extension, NotReady, Places, Settings, Variables, fhir_version};
use crate::store::{self, Keys, Store, StoreBackend};

/// What bounds a walk over the Subscriptions of a server, of which several may be under way.
#[cfg(feature = "registration")]
const SUBSCRIPTIONS: PageLimits = PageLimits::new(2_000, 20_000, 64 << 20, Duration::from_secs(120));

/// A program's subscriptions, settings and state, ready to handle requests.
///
/// It is a [`tower_service::Service`] of `http::Request`s, cheap to clone, so that it stands in an axum
/// router as well as on its own. Each request runs in a tokio task of its own, so that a caller who hangs up
/// does not end a handler half-way:
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
#[cfg(feature = "testing")]
pub(crate) type WeakParts = std::sync::Weak<Parts>;

pub(crate) struct Parts {
    registry: Arc<Registry>,
    settings: Settings,
    provided: Arc<Provided>,
    memory: Arc<Memory>,
    store: Option<Arc<Store>>,
    keys: Keys,
    clock: Clock,
}

/// What time it is here.
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

    /// What was handled, if that is kept at all.
    pub(crate) fn store(&self) -> Option<&Store> {
        self.0.store.as_deref()
    }

    /// What time it is here.
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

    /// Logs panics, of the whole process, as the settings have it: the place always, the message only where
    /// `FHIR_SUBSCRIPTION_LOG_ERRORS` is `text`, since it may quote a patient. `fhir_lambda_main!` does so; a program
    /// with a `main` of its own calls it once.
    pub fn log_panics(&self) {
        crate::logs::log_panics(self.0.settings.log.error_text);
    }

    /// The client with which Subscriptions are written: a server may keep them apart from other resources.
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

    /// The same app, where its server is this one.
    #[cfg(feature = "registration")]
    pub(crate) fn at(&self, server: &'static Room) -> Self {
        let Parts { registry, settings, provided, memory, store, keys, clock } = &*self.0;
        let settings = Settings { fhir_server: server, is_server_unknown: false, ..settings.clone() };
        let (registry, provided, memory) = (registry.clone(), provided.clone(), memory.clone());
        let (store, keys, clock) = (store.clone(), keys.clone(), clock.clone());
        Self(Arc::new(Parts { registry, settings, provided, memory, store, keys, clock }))
    }

    #[cfg(feature = "testing")]
    pub(crate) fn downgrade(&self) -> WeakParts {
        Arc::downgrade(&self.0)
    }

    #[cfg(feature = "testing")]
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

/// What `setup` gives an app: its state, settings, token provider, root certificates or proxy.
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
    clock: Option<Clock>,
    body_limit: Option<usize>,
    time_limit: Option<Duration>,
}

impl AppBuilder {
    /// An app of every handler that is linked into the program, with the settings of the environment.
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
            clock: None,
            body_limit: None,
            time_limit: None,
        }
    }

    /// Sets the setting `name` to `value`, whatever the environment says: `set("FHIR_SERVER", "hapi")`.
    ///
    /// The names and forms are those of the environment's variables. `set("WARD", "7")` gives the placeholder `{WARD}` of a
    /// criteria or a filter its value. A name that is neither, or a value of the wrong form, is told at start-up with all
    /// else that is wrong. An empty value takes the setting away.
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.set(name, value);
        self
    }

    /// Gives handlers `state`, which they take as `State<S>`; one of each type, of which the last counts.
    pub fn state<S: Any + Send + Sync>(mut self, state: S) -> Self {
        self.states.insert(state);
        self
    }

    /// Signs in at the FHIR server with tokens of `provider`, instead of what `FHIR_AUTH_…` says.
    pub fn token_provider(mut self, provider: impl TokenProvider + 'static) -> Self {
        self.token_provider = Some(Arc::new(provider));
        self
    }

    /// Signs in at the FHIR server as a SMART Backend Service whose assertions `signer` signs, so that the key may stay in a
    /// key management service. `FHIR_AUTH_CLIENT_ID` must be set, and neither `FHIR_AUTH_PRIVATE_KEY` nor
    /// `FHIR_AUTH_KEY_ID`. The sandbox, also in tests, asks for no signature. [`Signer`] has an example for AWS KMS.
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

    /// Reads what notifications name under `base`, the base URL of another FHIR server, as `config` says: by its own URL, its
    /// own sign-in and its own certificates.
    ///
    /// A broker may tell of resources that are on its members' servers. Such a resource is read only from a server that is
    /// named so: the app's own server is not asked for it, and the app's own token is not sent there. For one that is not
    /// named, a handler that takes [`Event`](crate::Event) runs, and one that needs the resource fails for good (`422`).
    ///
    /// Case, a default port, a slash at the end, and `http` for `https` make no difference to `base`. It is a start-up error
    /// if it is no URL, is named twice, or is that of `FHIR_BASE_URL`; or if `config` has an `http` URL, without
    /// `FHIR_ALLOW_HTTP`, that is not of loopback.
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

    /// Lets handlers see the header `name` of a request, by [`Incoming`](crate::Incoming): the tenant that a gateway has found
    /// out, or an id that joins the log lines of several systems.
    ///
    /// It is a start-up error if `name` is no name of a header, or one that carries a secret: that of
    /// `FHIR_SUBSCRIPTION_HEADER`, `Authorization`, `Cookie`, a signature.
    pub fn allow_header(mut self, name: impl Into<String>) -> Self {
        self.headers.push(name.into());
        self
    }

    /// Trusts further root certificates, as PEM, beside the bundled ones and those of `FHIR_CA_FILE`.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates.push(pem.into());
        self
    }

    /// Reaches the FHIR server, the token endpoint and the DynamoDB table through the proxy at `url`, whatever `HTTPS_PROXY`,
    /// `HTTP_PROXY` and `NO_PROXY` say.
    pub fn proxy(mut self, url: url::Url) -> Self {
        self.proxy = Some(url);
        self
    }

    /// Refuses bodies of more than this many bytes with 413; 6 MiB unless set.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = Some(bytes);
        self
    }

    /// Ends a request after this time, or when the invocation ends if that is sooner; 25 s unless set.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Reaches the FHIR server by `transport`, and no network.
    #[cfg(feature = "testing")]
    pub(crate) fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Reads references at `places`, and not at the extension.
    #[cfg(all(test, feature = "testing"))]
    pub(crate) fn places(mut self, places: Arc<dyn Places>) -> Self {
        self.places = Some(places);
        self
    }

    /// Keeps what was handled in a store of your own, whatever `FHIR_SUBSCRIPTION_IDEMPOTENCY` says.
    ///
    /// Several apps may share it: an `Arc` of a [`StoreBackend`] is one too. `FHIR_SUBSCRIPTION_STORE_KEY`,
    /// `FHIR_SUBSCRIPTION_STORE_DAYS` and `FHIR_SUBSCRIPTION_TRIES` hold for it as well.
    pub fn store(mut self, backend: impl StoreBackend) -> Self {
        self.store = Some(Arc::new(backend));
        self
    }

    /// Takes the time from `clock`, and not from the system.
    #[cfg(feature = "testing")]
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
    /// All that is missing or wrong at once: settings, endpoints, states.
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
            // What the client cannot do is known without the settings that are missing.
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
                let provided = Arc::new(Provided::new(self.states, fhir_client, sources, headers));
                let (registry, memory) = (Arc::new(registry), Arc::default());
                let idempotency = &settings.idempotency;
                let own = self.store.map(|backend| Store::new(backend, idempotency.retention));
                let store = own.or_else(|| store::open(idempotency, &connection)).map(Arc::new);
                let is_durable = store.as_ref().is_some_and(|store| store.is_durable());
                settings.problem_of_sweeping(is_durable).into_iter().for_each(|it| problems.add(it));
                let keys = Keys::new(idempotency.key.as_ref(), settings.fhir_base_url.as_str());
                let clock = self.clock.unwrap_or_else(|| Arc::new(SystemTime::now));
                problems.or(App(Arc::new(Parts { registry, settings, provided, memory, store, keys, clock })))
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
