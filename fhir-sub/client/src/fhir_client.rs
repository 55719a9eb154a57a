//! [`FhirClient`]: one FHIR server, with its sign-in, its limits and the deadline of its calls.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Response;
use url::Url;

use crate::authorization::Authorization;
use crate::backend_services::BackendServicesProvider;
use crate::client_credentials::ClientCredentialsProvider;
use crate::config::ClientConfig;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::exchange::{Exchange, SignIn};
use crate::fhir::FhirVersion;
use crate::keeper::Keeper;
use crate::page_limits::PageLimits;
use crate::request::Request;
use crate::token::{TokenCache, secret_header};
use crate::transport::{Limits, Network, Transport};

/// A client of one FHIR server. Clones are cheap, and share connections and access token.
///
/// A new client costs nothing: the first request sets up TLS and fetches the access token. The client of a handler ends with the
/// invocation's deadline; elsewhere, set one by [`with_deadline`](FhirClient::with_deadline).
///
/// ```no_run
/// use fhir_sub::client::{ClientConfig, FhirClient};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// #[serde(rename_all = "camelCase")]
/// struct Encounter {
///     resource_type: String,
///     id: String,
///     status: String,
/// }
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let fhir = FhirClient::new(ClientConfig::new("https://fhir.example.org/r4".parse()?))?;
///
/// let mut encounter = fhir.read::<Encounter>("Encounter", "1").await?;
/// encounter.status = "finished".to_owned();
/// fhir.update("Encounter", "1", &encounter).if_match("3").await?;
///
/// let planned = fhir.search_type::<Encounter>("Encounter", &[("status", "planned")]).all().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Time
/// An attempt may take 10 seconds ([`ClientConfig::attempt_timeout`]). The deadline limits a whole call, with its attempts, pauses and
/// sign-in. The deadline of a stream limits all its pages together.
///
/// # Repeating
/// The client sends a request up to four times, after random pauses that grow from at most 0.2 s (exponential back-off with full
/// jitter). It follows `Retry-After`, in seconds or as a date. With 429 it also follows `RateLimit: "quota";r=0;t=36`, `RateLimit-Reset`
/// and `X-RateLimit-Reset`. If the pause would be longer than two minutes or pass the deadline, the call fails at once, with
/// [`Error::retry_after`].
///
/// | what happened | read, search, update, delete, create with `if_none_exist` | create, patch, operation by `POST` |
/// |---|---|---|
/// | no connection, 429, 503 with `Retry-After` | again | again |
/// | 503 without, 502, 504, connection broken, no answer in time | again | error: it may have been done |
/// | any other status, answer too large or unreadable | error | error |
///
/// A transaction or batch is repeated like an update, unless an entry is a create without `ifNoneExist`, a patch or an operation.
///
/// If the answer to an update with `if_match` is lost, the client repeats the update. If the server had done the first update, the
/// repetition fails with 412, because the version has changed. So after a [conflict](Error::is_conflict) with more than one [attempt](Error::attempts), look at the
/// resource. A 404 or 410 for a repeated delete counts as done.
///
/// After a 401, the client fetches a new token and sends any request once more.
///
/// # Errors
/// All calls fail with [`Error`]:
///
/// - a name, id or version that may not stand in a URL (nothing is sent), or a body that cannot be written
/// - no sign-in, no connection, no time
/// - a status other than 2xx; redirects too, because the client follows none
/// - an answer that is too large ([`ClientConfig::max_answer_bytes`]) or does not fit the type
/// - a walk over pages that reaches one of its [`PageLimits`]
///
/// The error of a failed connection names the step and the reason: DNS, TCP, the proxy, or a check of TLS.
#[derive(Clone)]
pub struct FhirClient {
    shared: Arc<Shared>,
    deadline: Option<Deadline>,
}

#[derive(Clone)]
struct Shared {
    base_url: Url,
    /// The FHIR version that each request names, if any.
    fhir_version: Option<FhirVersion>,
    exchange: Arc<Exchange>,
    sign_in: Option<Arc<Keeper>>,
    page_limits: PageLimits,
}

impl FhirClient {
    /// A client with settings.
    ///
    /// # Errors
    /// A URL is not `http` or `https`, or has a user, a query or a fragment; or a secret cannot stand in a header.
    pub fn new(config: ClientConfig) -> Result<Self, Error> {
        let network = Network::new(config.connection.clone(), config.attempt_timeout / 2);
        Self::with_transport(config, Arc::new(network))
    }

    /// A client over another transport than the network.
    #[doc(hidden)]
    pub fn with_transport(config: ClientConfig, transport: Arc<dyn Transport>) -> Result<Self, Error> {
        config.check()?;
        let limits = Limits { answer_bytes: config.answer_bytes };
        let exchange = Arc::new(Exchange { transport, attempt_timeout: config.attempt_timeout, limits });
        let sign_in = sign_in(config.authorization, &config.base_url, &exchange)?;
        let ClientConfig { base_url, fhir_version, page_limits, renewal, .. } = config;
        let sign_in = sign_in.map(|sign_in| Arc::new(Keeper::new(sign_in, renewal, base_url.clone())));
        let shared = Shared { base_url, fhir_version, exchange, sign_in, page_limits };
        Ok(Self { shared: Arc::new(shared), deadline: None })
    }

    /// The client's transport.
    #[doc(hidden)]
    pub fn transport(&self) -> Arc<dyn Transport> {
        Arc::clone(&self.shared.exchange.transport)
    }

    /// The same client over the transport that `front` makes of the present one.
    #[doc(hidden)]
    #[must_use]
    pub fn behind(&self, front: impl FnOnce(Arc<dyn Transport>) -> Arc<dyn Transport>) -> Self {
        let Exchange { attempt_timeout, limits, .. } = *self.shared.exchange;
        let exchange = Exchange { transport: front(self.transport()), attempt_timeout, limits };
        let shared = Shared { exchange: Arc::new(exchange), ..Shared::clone(&self.shared) };
        Self { shared: Arc::new(shared), deadline: self.deadline }
    }

    /// The same client with a deadline for its calls.
    #[must_use]
    pub fn with_deadline(&self, deadline: Deadline) -> Self {
        Self { shared: Arc::clone(&self.shared), deadline: Some(deadline) }
    }

    /// The same client; each attempt may take `time`, if that is longer than before.
    #[doc(hidden)]
    #[must_use]
    pub fn with_patience(&self, time: Duration) -> Self {
        let Exchange { transport, attempt_timeout, limits } = &*self.shared.exchange;
        let attempt_timeout = time.max(*attempt_timeout);
        let exchange = Exchange { transport: Arc::clone(transport), attempt_timeout, limits: *limits };
        let shared = Shared { exchange: Arc::new(exchange), ..Shared::clone(&self.shared) };
        Self { shared: Arc::new(shared), deadline: self.deadline }
    }

    /// The same client with other limits for walks over pages than [`ClientConfig::page_limits`].
    #[must_use]
    pub fn with_page_limits(&self, limits: PageLimits) -> Self {
        let shared = Shared { page_limits: limits, ..Shared::clone(&self.shared) };
        Self { shared: Arc::new(shared), deadline: self.deadline }
    }

    /// The same client, with a path segment added to the base URL.
    #[doc(hidden)]
    pub fn below(&self, segment: &str) -> Self {
        let mut shared = Shared::clone(&self.shared);
        let path = format!("{}/{segment}", shared.base_url.path().trim_end_matches('/'));
        shared.base_url.set_path(&path);
        Self { shared: Arc::new(shared), deadline: self.deadline }
    }

    /// The same client; each of its requests names this version of FHIR.
    #[doc(hidden)]
    pub fn of_version(&self, version: FhirVersion) -> Self {
        let shared = Shared { fhir_version: Some(version), ..Shared::clone(&self.shared) };
        Self { shared: Arc::new(shared), deadline: self.deadline }
    }

    /// Whether each request names a version of FHIR.
    #[doc(hidden)]
    pub fn says_version(&self) -> bool {
        self.shared.fhir_version.is_some()
    }

    /// The same client; its requests name no version of FHIR.
    #[doc(hidden)]
    pub fn without_version(&self) -> Self {
        let shared = Shared { fhir_version: None, ..Shared::clone(&self.shared) };
        Self { shared: Arc::new(shared), deadline: self.deadline }
    }

    /// The server's base URL.
    #[must_use]
    pub fn base_url(&self) -> &Url {
        &self.shared.base_url
    }

    #[doc(hidden)]
    pub fn page_limits(&self) -> PageLimits {
        self.shared.page_limits
    }

    /// The longest answer that the client reads, in bytes.
    #[doc(hidden)]
    pub fn answer_bytes(&self) -> usize {
        self.shared.exchange.limits.answer_bytes
    }

    /// Sends a request, and returns the answer if its status is 2xx.
    pub(crate) async fn send(&self, request: &Request) -> Result<Response<Bytes>, Error> {
        let Shared { fhir_version, exchange, sign_in, .. } = &*self.shared;
        let versioned = fhir_version.map(|version| request.clone().of_version(version));
        let request = versioned.as_ref().unwrap_or(request);
        let Some(keeper) = sign_in else {
            return exchange.send(request, None, self.deadline).await.map_err(|(error, _)| error);
        };
        let current = keeper.current();
        match exchange.send(request, Some(&current.sign_in), self.deadline).await {
            // The server did nothing for a refused request, so any request may be sent again.
            Err((error, _)) if keeper.can_renew() && error.is_refused_sign_in() => {
                let made = |authorization| sign_in_of(authorization, keeper.base_url(), exchange);
                match Box::pin(keeper.renewed(current.version, self.deadline, made)).await {
                    Some(new) => exchange.send(request, Some(&new), self.deadline).await,
                    None => return Err(error),
                }
            }
            answered => answered,
        }
        .map_err(|(error, _)| error)
    }
}

/// The sign-in of an authorization that was read again; `None` if the authorization cannot be used.
fn sign_in_of(authorization: Authorization, base_url: &Url, exchange: &Arc<Exchange>) -> Option<SignIn> {
    sign_in(authorization, base_url, exchange).ok().flatten()
}

const UNFIT_TOKEN: &str = "the bearer token (`Authorization::Bearer`, or FHIR_AUTH_BEARER) is empty, or has a space or another \
     character that no token has: write the token alone, without `Bearer`";

const UNFIT_USER: &str = "the user (`Authorization::Basic`, or FHIR_AUTH_USER) must not contain a colon: the password belongs into \
     its own field, or into FHIR_AUTH_PASSWORD";

const LONG_USER: &str = "the user and password (`Authorization::Basic`, or FHIR_AUTH_USER and FHIR_AUTH_PASSWORD) are too long for a \
     header: shorten them";

fn sign_in(
    authorization: Authorization,
    base_url: &Url,
    exchange: &Arc<Exchange>,
) -> Result<Option<SignIn>, Error> {
    Ok(Some(match authorization {
        Authorization::None => return Ok(None),
        Authorization::Bearer(token) => {
            let header = secret_header("Bearer ", token.expose_secret());
            SignIn::Fixed(header.ok_or_else(|| Error::invalid(UNFIT_TOKEN))?)
        }
        Authorization::Basic { user, .. } if user.contains(':') => return Err(Error::invalid(UNFIT_USER)),
        Authorization::Basic { user, password } => {
            let pair = STANDARD.encode(format!("{user}:{}", password.expose_secret()));
            let header = secret_header("Basic ", &pair);
            SignIn::Fixed(header.ok_or_else(|| Error::invalid(LONG_USER))?)
        }
        Authorization::ClientCredentials(credentials) => {
            let exchange = Arc::clone(exchange);
            SignIn::Tokens(TokenCache::new(Arc::new(ClientCredentialsProvider { credentials, exchange })))
        }
        Authorization::BackendServices(services) => {
            let (base_url, exchange) = (base_url.clone(), Arc::clone(exchange));
            let provider = BackendServicesProvider::new(services, base_url, exchange);
            SignIn::Tokens(TokenCache::new(Arc::new(provider)))
        }
        Authorization::Provider(provider) => SignIn::Tokens(TokenCache::new(provider)),
    }))
}

impl fmt::Debug for FhirClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FhirClient")
            .field("base_url", &self.shared.base_url.as_str())
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
