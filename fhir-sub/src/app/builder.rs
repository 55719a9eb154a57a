//! [`AppBuilder`]: builds an [`App`] from the settings, the handlers, and what `setup` adds.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;

use super::rotation::Rotation;
use super::spans::Spans;
use super::tenants::Named;
use super::{App, Bodies, Clock, Parts, headers, sources};
use crate::client::transport::{Connection, Transport};
use crate::client::{Authorization, ClientConfig, FhirClient, Signer, TokenProvider};
use crate::declaration::Declaration;
#[cfg(feature = "token")]
use crate::issuer::Issuer;
#[cfg(feature = "local")]
use crate::metrics::Counters;
use crate::placeholder;
use crate::problems::Problems;
use crate::provided::{Provided, States};
#[cfg(feature = "queue")]
use crate::queue::Queue;
use crate::registry::Registry;
use crate::settings::{NotReady, Places, Rereading, Settings, SignInAgain, Variables, fhir_version};
use crate::store::{self, Keys, Store, StoreBackend};

/// Makes a transport that stands before another one.
#[cfg(feature = "inspector")]
type Front = fn(Arc<dyn Transport>) -> Arc<dyn Transport>;

/// Builds an [`App`]. `setup` uses it to add state, settings, tenants, and ways to reach and sign in at the FHIR
/// server.
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
    pub(super) variables: Variables,
    pub(super) declarations: Vec<&'static Declaration>,
    pub(super) states: States,
    pub(super) token_provider: Option<Arc<dyn TokenProvider>>,
    pub(super) sources: Vec<(String, ClientConfig)>,
    pub(super) headers: Vec<String>,
    pub(super) root_certificates: Vec<Vec<u8>>,
    pub(super) proxy: Option<url::Url>,
    pub(super) transport: Option<Arc<dyn Transport>>,
    #[cfg(feature = "inspector")]
    pub(super) front: Option<Front>,
    pub(super) places: Option<Arc<dyn Places>>,
    pub(super) store: Option<Arc<dyn StoreBackend>>,
    #[cfg(all(test, feature = "queue"))]
    pub(super) queue_transport: Option<Arc<dyn Transport>>,
    pub(super) clock: Option<Clock>,
    pub(super) spans: Spans,
    pub(super) body_limit: Option<usize>,
    /// The memory of the process, if this is a tenant.
    pub(super) bodies: Option<Bodies>,
    pub(super) time_limit: Option<Duration>,
    /// The tenants that `setup` names, until each has a builder.
    pub(super) named: Vec<Named>,
    pub(super) tenants: Vec<(String, AppBuilder)>,
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
            #[cfg(feature = "inspector")]
            front: None,
            places: None,
            store: None,
            #[cfg(all(test, feature = "queue"))]
            queue_transport: None,
            clock: None,
            spans: Spans::default(),
            body_limit: None,
            bodies: None,
            time_limit: None,
            named: Vec::new(),
            tenants: Vec::new(),
        }
    }

    /// Sets the setting `name` to `value`, whatever the environment says: `set("FHIR_SERVER", "hapi")`.
    ///
    /// Names and forms are the same as for the environment's variables. `set("WARD", "7")` also gives a value to the placeholder
    /// `{WARD}` of a criteria, a topic or a filter. An unknown name or a malformed value is a start-up error, reported with all others. An empty
    /// value removes the setting.
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.set(name, value);
        self
    }

    /// Adds a tenant: a FHIR server of its own, with settings, secrets, subscriptions and records of its own.
    ///
    /// All tenants run the same handlers. The tenant's endpoints are below its name, `…/north/{endpoint}`, and so are
    /// its routes, such as `…/north/register`. The tenant's settings are environment variables that begin with its
    /// name, such as `NORTH_FHIR_BASE_URL`, and the settings that `set_up` sets. These settings must not
    /// be shared: `FHIR_BASE_URL`, `FHIR_AUTH_…`, `FHIR_CLIENT_…`, and everything that lets callers in, such as
    /// `FHIR_SUBSCRIPTION_SECRET`. A tenant inherits every other setting that it does not set itself. `APP_BASE_URL` is
    /// inherited with `/north` added.
    ///
    /// Tenants may share a store: no tenant sees another tenant's records or dead letters. Commands, a sweep and a
    /// CloudFormation request do their work for each tenant in turn; `--tenant NAME` chooses one. A message of a queue
    /// or a bus names its tenant in the attribute `tenant`. Log lines and metrics have the field `tenant`.
    ///
    /// These are start-up errors:
    ///
    /// - Two tenants share a secret.
    /// - A tenant has the name of an endpoint or a route.
    /// - A setting that must not be shared is set for all tenants.
    ///
    /// The sandbox is a single server. So without any `FHIR_BASE_URL`, the program runs as its first tenant only.
    ///
    /// ```
    /// use fhir_sub::prelude::*;
    ///
    /// async fn setup(app: AppBuilder) -> Result<AppBuilder> {
    ///     Ok(app
    ///         .tenant("north", |north| north.set("FHIR_BASE_URL", "https://north.example.org/fhir"))
    ///         .tenant("south", |south| south.set("FHIR_SERVER", "medplum")))
    /// }
    /// ```
    pub fn tenant(
        mut self,
        name: impl Into<String>,
        set_up: impl FnOnce(Self) -> Self + Send + 'static,
    ) -> Self {
        self.named.push(Named { name: name.into(), set_up: Box::new(set_up) });
        self
    }

    /// Gives handlers `state`, which they take as `State<S>`. There is one value of each type: a later call with the
    /// same type replaces it.
    pub fn state<S: Any + Send + Sync>(mut self, state: S) -> Self {
        self.states.insert(state);
        self
    }

    /// Signs in at the FHIR server with tokens from `provider`, and ignores `FHIR_AUTH_…`.
    pub fn token_provider(mut self, provider: impl TokenProvider + 'static) -> Self {
        self.token_provider = Some(Arc::new(provider));
        self
    }

    /// Signs in at the FHIR server as a SMART Backend Service. `signer` signs the assertions, so the key may stay in a
    /// key management service. `FHIR_AUTH_CLIENT_ID` must be set; `FHIR_AUTH_PRIVATE_KEY` and `FHIR_AUTH_KEY_ID` must
    /// not. The sandbox needs no signature. [`Signer`] has an example for AWS KMS.
    pub fn signer(mut self, signer: impl Signer) -> Self {
        self.variables.signer = Some(Arc::new(signer));
        self
    }

    /// The same builder without the signer, because the sandbox lets everybody in. A test may have a token provider on purpose.
    pub(crate) fn without_signer(mut self) -> Self {
        self.variables.signer = None;
        self
    }

    /// The same builder without the signer and the token provider, because the sandbox lets everybody in.
    pub(crate) fn without_sign_in(self) -> Self {
        Self { token_provider: None, ..self.without_signer() }
    }

    /// The same builder without the store of `setup`: the settings say whether there is one.
    pub(crate) fn without_store(self) -> Self {
        Self { store: None, ..self }
    }

    /// Names another FHIR server, so that handlers get resources from there. `base` is the base URL by which
    /// notifications name the server. `config` says how the program reaches the server: its URL, sign-in and
    /// certificates.
    ///
    /// A broker may report resources on the servers of its members. The program reads such a resource only from a
    /// server that you name here. It never asks the app's own server for the resource, and never sends the app's own
    /// token there. If you do not name the server, a handler that takes only [`Event`](crate::Event) runs, and a
    /// handler that takes the resource does not: the event is refused (`422`).
    ///
    /// Case, a default port, a slash at the end, and `http` instead of `https` do not matter in `base`. These are
    /// start-up errors:
    ///
    /// - `base` is not a URL, is named twice, or equals `FHIR_BASE_URL`.
    /// - `config` has an `http` URL that is not on loopback, and `FHIR_ALLOW_HTTP` is not set.
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

    /// Lets handlers see the request header `name`, by [`Incoming`](crate::Incoming): for example a tenant that a
    /// gateway determined, or a correlation id.
    ///
    /// It is a start-up error if `name` is not the name of a header, or if the header carries a secret: the header of
    /// `FHIR_SUBSCRIPTION_HEADER`, `Authorization`, `Cookie`, `X-API-Key`, a signature, and others.
    pub fn allow_header(mut self, name: impl Into<String>) -> Self {
        self.headers.push(name.into());
        self
    }

    /// Trusts more root certificates (PEM), in addition to the bundled ones and to `FHIR_CA_FILE`.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates.push(pem.into());
        self
    }

    /// Reaches servers through the proxy at `url`, and ignores `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`. This holds
    /// for the FHIR server, the token endpoint, the issuer of access tokens, the DynamoDB table and the SQS queue.
    pub fn proxy(mut self, url: url::Url) -> Self {
        self.proxy = Some(url);
        self
    }

    /// Refuses bodies of more than `bytes` bytes with 413; the default is 6 MiB.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = Some(bytes);
        self
    }

    /// Ends a request after `limit`, or when the invocation ends if that is sooner; the default is 25 s. An event whose
    /// handler has not ended by then is answered `503`.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Uses `transport` instead of the network to reach the FHIR server.
    #[cfg(any(test, feature = "testing", feature = "inspector"))]
    pub(crate) fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Puts `front` between the client of the FHIR server and its transport.
    #[cfg(feature = "inspector")]
    pub(crate) fn front(mut self, front: Front) -> Self {
        self.front = Some(front);
        self.tenants = self.tenants.into_iter().map(|(name, tenant)| (name, tenant.front(front))).collect();
        self
    }

    /// Reads references at `places` instead of the extension.
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

    /// Uses `transport` instead of the network to reach the queue.
    #[cfg(all(test, feature = "queue"))]
    pub(crate) fn queue_transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.queue_transport = Some(transport);
        self
    }

    /// Uses `clock` instead of the system's clock.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    pub(crate) fn variables(&self) -> &Variables {
        &self.variables
    }

    /// The builder's settings, and the settings of each tenant.
    pub(crate) fn variables_of_all(&self) -> Vec<&Variables> {
        let tenants = self.tenants.iter().map(|(_, tenant)| &tenant.variables);
        std::iter::once(&self.variables).chain(tenants).collect()
    }

    pub(crate) fn declarations(&self) -> &[&'static Declaration] {
        &self.declarations
    }

    /// Reads the settings that are references to another place: `file:/path`, `ssm:/name`, `secretsmanager:NAME` and
    /// `secretsmanager:NAME#key`.
    ///
    /// `fhir_lambda_main!` calls this after `setup`. A program with its own `main` awaits it before
    /// [`build`](Self::build). Files are read directly. Parameters and secrets are requested from the AWS Parameters
    /// and Secrets Lambda Extension, or from the AWS Secrets Manager Agent, on port 2773 or
    /// `PARAMETERS_SECRETS_EXTENSION_HTTP_PORT`. With the feature `secrets`, AWS itself is asked if neither is there.
    /// All values are read at the same time, and each answer may take 5 seconds. `build` reports the values that could
    /// not be read.
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
            self.tenants.iter_mut().for_each(|(_, tenant)| tenant.variables.give_up_references());
        }
        self
    }

    /// The same, but returns an error if the extension is not ready yet, so that a later call may succeed.
    pub(crate) async fn try_resolve(&mut self) -> Result<(), NotReady> {
        self.expand();
        let tenants = self.tenants.iter_mut().map(|(_, tenant)| tenant.try_resolve_own());
        join_all(tenants).await.into_iter().collect::<Result<(), _>>()?;
        self.drop_previous_of_others();
        self.try_resolve_own().await
    }

    async fn try_resolve_own(&mut self) -> Result<(), NotReady> {
        if !self.variables.has_references() {
            return Ok(());
        }
        let places = self.places.clone().unwrap_or_else(|| self.variables.places());
        self.variables.resolve(&*places).await
    }

    /// The mistakes that `setup` cannot repair: in the handlers, and in settings that are malformed.
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
        self.expand();
        if !self.tenants.is_empty() {
            return self.build_tenants();
        }
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
            // The client's limits can be checked without the missing settings.
            let config = ClientConfig::new(url::Url::parse("https://fhir.invalid").expect("it is a URL"));
            problems.collect(client(config, &self.root_certificates, self.proxy, self.transport));
            return Err(problems);
        };
        settings.body_limit = self.body_limit.unwrap_or(settings.body_limit);
        settings.time_limit = self.time_limit.unwrap_or(settings.time_limit);
        if let Some(process) = &self.bodies {
            settings.bodies_maximum = settings.bodies_maximum.min(process.maximum());
        }
        if let Some(provider) = self.token_provider {
            settings.authorization = Authorization::Provider(provider);
        }

        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemTime::now));
        let rereading = self.variables.was_read().then(|| {
            let places = self.places.unwrap_or_else(|| self.variables.places());
            Arc::new(Rereading::new(std::mem::take(&mut self.variables), places, clock.clone()))
        });
        let config = ClientConfig::new(settings.fhir_base_url.url().clone());
        let config = config.connection(settings.connection.clone());
        let mut config = config.authorization(settings.authorization.clone());
        if settings.fhir_server.holds_several_versions {
            config = config.fhir_version(settings.fhir_version);
        }
        if let Some(rereading) = &rereading
            && !matches!(settings.authorization, Authorization::Provider(_))
        {
            config = config.renewal(Arc::new(SignInAgain(rereading.clone())));
        }
        let sources = problems.collect(sources::build(self.sources, &settings, self.transport.as_ref()));
        let headers = problems.collect(headers::allowed(self.headers, &settings));
        let client = problems.collect(client(config, &self.root_certificates, self.proxy, self.transport));
        let Some((fhir_client, connection)) = client else { return Err(problems) };
        // With the proxy and the root certificates of `setup`.
        settings.connection = connection.clone();
        let (sources, headers) = (sources.unwrap_or_default(), headers.unwrap_or_default());
        #[cfg(feature = "token")]
        let issuer = settings.callers.token.clone();
        #[cfg(feature = "token")]
        let issuer = issuer.map(|callers| Arc::new(Issuer::new(callers, fhir_client.transport())));
        #[cfg(feature = "inspector")]
        let fhir_client = match self.front {
            Some(front) => fhir_client.behind(front),
            None => fhir_client,
        };
        let provided = Provided::new(self.states, fhir_client, sources, headers);
        let tenant = settings.tenant.as_deref();
        let provided = Arc::new(provided.of_tenant(tenant));
        let (registry, memory) = (Arc::new(registry), Arc::default());
        let idempotency = &settings.idempotency;
        let own = self.store.map(|backend| Store::new(backend, idempotency.retention));
        let store = own.or_else(|| store::open(idempotency, &connection));
        let store = store.map(|store| Arc::new(store.of_tenant(tenant)));
        #[cfg(feature = "queue")]
        let queue = settings.queue.clone().map(|settings| Queue::new(settings, connection.clone()));
        #[cfg(all(test, feature = "queue"))]
        let queue = queue.map(|queue| queue.over(self.queue_transport));
        #[cfg(feature = "queue")]
        let queue = queue.map(Arc::new);
        let is_durable = store.as_ref().is_some_and(|store| store.is_durable());
        settings.problem_of_sweeping(is_durable).into_iter().for_each(|it| problems.add(it));
        settings.problem_of_bodies().into_iter().for_each(|it| problems.add(it));
        let bodies = match &self.bodies {
            Some(process) => process.of_tenant(settings.bodies_maximum, settings.body_limit),
            None => Bodies::new(settings.bodies_maximum, settings.body_limit),
        };
        #[cfg(feature = "local")]
        let counters = settings
            .has_counters
            .then(|| registry.declarations().iter().map(|it| it.endpoint))
            .map(|endpoints| Arc::new(Counters::new(tenant, endpoints)));
        let keys_of = |key| Keys::new(key, settings.fhir_base_url.as_str()).of_tenant(tenant);
        let keys = keys_of(idempotency.key.as_ref());
        let previous_keys = idempotency.previous_key.as_ref().map(|key| keys_of(Some(key)));
        let mut parts = Parts {
            registry,
            settings,
            provided,
            memory,
            store,
            #[cfg(feature = "queue")]
            queue,
            bodies,
            #[cfg(feature = "local")]
            counters,
            keys,
            before_rotation: None,
            clock,
            spans: self.spans,
            #[cfg(feature = "token")]
            issuer,
            tenants: Parts::NO_TENANTS,
        };
        parts.before_rotation = previous_keys.map(|keys| {
            let keys = keys.replaced_by(&parts.keys);
            let parts = parts.with(parts.registry.clone(), parts.settings.clone());
            App(Arc::new(Parts { keys, ..parts }), None)
        });
        let parts = Arc::new(parts);
        let rotation = rereading.map(|rereading| Arc::new(Rotation::new(rereading)));
        problems.or(App(parts, rotation))
    }
}

/// The client of the FHIR server. Nothing is set up before its first request.
fn client(
    mut config: ClientConfig,
    root_certificates: &[Vec<u8>],
    proxy: Option<url::Url>,
    transport: Option<Arc<dyn Transport>>,
) -> Result<(FhirClient, Connection), Problems> {
    let problem =
        |error: crate::client::Error| Problems::from(format!("the client of the FHIR server: {error}"));
    for pem in root_certificates {
        config = config.root_certificates_pem(pem).map_err(problem)?;
    }
    if let Some(proxy) = proxy {
        config = config.proxy(proxy);
    }
    let connection = config.connection.clone();
    let client = match transport {
        Some(transport) => FhirClient::with_transport(config, transport),
        None => FhirClient::new(config),
    };
    Ok((client.map_err(problem)?, connection))
}

impl fmt::Debug for AppBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AppBuilder").field("variables", &self.variables).finish_non_exhaustive()
    }
}
