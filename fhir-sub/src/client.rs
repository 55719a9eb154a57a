//! The FHIR client: read, search and write on a FHIR server over its REST interface.
//!
//! The interface is that of <https://hl7.org/fhir/http.html>. A resource may have any type that serde knows: a struct with the fields
//! that you use, `serde_json::Value`, or a type of a FHIR crate.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Response;
pub use url::Url;

pub use self::answer::Written;
pub use self::authorization::{
    AccessToken, Authorization, ClientCredentials, TokenFuture, TokenProvider, TokenRequest,
};
pub use self::backend_services::BackendServices;
pub use self::config::ClientConfig;
pub use self::error::Error;
pub use self::failed_entry::FailedEntry;
pub use self::operation::Operation;
pub use self::page_limits::PageLimits;
pub(crate) use self::pages::{Place, Said};
pub use self::patch::Patch;
pub(crate) use self::search::Page;
pub use self::search::{History, Search};
pub use self::secret_string::SecretString;
pub use self::signer::{SignatureFuture, Signer, SigningAlgorithm};
pub use self::signing_key::SigningKey;
pub use self::write::{Create, Returning, Update};

use self::backend_services::BackendServicesProvider;
use self::client_credentials::ClientCredentialsProvider;
use self::exchange::{Exchange, SignIn};
use self::request::Request;
use self::token::{TokenCache, secret_header};
use self::transport::{Limits, Network, Transport};
use crate::deadline::Deadline;
use crate::fhir::FhirVersion;

pub use crate::fhir::{Condition, Query};

mod answer;
mod assertion;
mod authorization;
mod backend_services;
mod client_credentials;
mod config;
pub(crate) mod discovery;
mod error;
mod exchange;
mod failed_entry;
mod interactions;
mod location;
mod operation;
mod page_limits;
mod page_link;
mod pages;
mod patch;
mod request;
mod retry;
mod retry_after;
mod search;
mod secret_string;
mod sign_in_error;
mod signer;
mod signing_key;
mod token;
mod token_endpoint;
mod transaction;
pub(crate) mod transport;
mod write;

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
/// An update with `if_match` is repeated too if its answer was lost. If the server did the first one, the repetition meets its own new
/// version and fails with 412. So after a [conflict](Error::is_conflict) with more than one [attempt](Error::attempts), look at the
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
    /// The version that each request names, if any.
    fhir_version: Option<FhirVersion>,
    exchange: Arc<Exchange>,
    sign_in: Option<Arc<SignIn>>,
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
    pub(crate) fn with_transport(config: ClientConfig, transport: Arc<dyn Transport>) -> Result<Self, Error> {
        config.check()?;
        let limits = Limits { answer_bytes: config.answer_bytes };
        let exchange = Arc::new(Exchange { transport, attempt_timeout: config.attempt_timeout, limits });
        let sign_in = sign_in(config.authorization, &config.base_url, &exchange)?;
        let sign_in = sign_in.map(Arc::new);
        let ClientConfig { base_url, fhir_version, page_limits, .. } = config;
        let shared = Shared { base_url, fhir_version, exchange, sign_in, page_limits };
        Ok(Self { shared: Arc::new(shared), deadline: None })
    }

    /// The way over which it sends.
    #[cfg(feature = "token")]
    pub(crate) fn transport(&self) -> Arc<dyn Transport> {
        Arc::clone(&self.shared.exchange.transport)
    }

    /// The same client with a deadline for its calls.
    #[must_use]
    pub fn with_deadline(&self, deadline: Deadline) -> Self {
        Self { shared: Arc::clone(&self.shared), deadline: Some(deadline) }
    }

    /// The same client with other limits for walks over pages than [`ClientConfig::page_limits`].
    #[must_use]
    pub fn with_page_limits(&self, limits: PageLimits) -> Self {
        let shared = Shared { page_limits: limits, ..Shared::clone(&self.shared) };
        Self { shared: Arc::new(shared), deadline: self.deadline }
    }

    /// The same server, under a path segment of its own below the base URL.
    #[cfg(feature = "registration")]
    pub(crate) fn below(&self, segment: &str) -> Self {
        let mut shared = Shared::clone(&self.shared);
        let path = format!("{}/{segment}", shared.base_url.path().trim_end_matches('/'));
        shared.base_url.set_path(&path);
        Self { shared: Arc::new(shared), deadline: self.deadline }
    }

    /// The same server, told with each request which version of FHIR is meant.
    #[cfg(feature = "registration")]
    pub(crate) fn of_version(&self, version: FhirVersion) -> Self {
        let shared = Shared { fhir_version: Some(version), ..Shared::clone(&self.shared) };
        Self { shared: Arc::new(shared), deadline: self.deadline }
    }

    /// Whether each request says which version of FHIR is meant.
    pub(crate) fn says_version(&self) -> bool {
        self.shared.fhir_version.is_some()
    }

    /// The same server, told of no version.
    pub(crate) fn without_version(&self) -> Self {
        let shared = Shared { fhir_version: None, ..Shared::clone(&self.shared) };
        Self { shared: Arc::new(shared), deadline: self.deadline }
    }

    /// The server's base URL.
    #[must_use]
    pub fn base_url(&self) -> &Url {
        &self.shared.base_url
    }

    pub(crate) fn page_limits(&self) -> PageLimits {
        self.shared.page_limits
    }

    /// The longest answer that is read, in bytes.
    pub(crate) fn answer_bytes(&self) -> usize {
        self.shared.exchange.limits.answer_bytes
    }

    /// Sends a request and gives back the answer, whose status is 2xx.
    pub(crate) async fn send(&self, request: &Request) -> Result<Response<Bytes>, Error> {
        let Shared { fhir_version, exchange, sign_in, .. } = &*self.shared;
        let versioned = fhir_version.map(|version| request.clone().of_version(version));
        let request = versioned.as_ref().unwrap_or(request);
        exchange.send(request, sign_in.as_deref(), self.deadline).await.map_err(|(error, _)| error)
    }
}

fn sign_in(
    authorization: Authorization,
    base_url: &Url,
    exchange: &Arc<Exchange>,
) -> Result<Option<SignIn>, Error> {
    Ok(Some(match authorization {
        Authorization::None => return Ok(None),
        Authorization::Bearer(token) => SignIn::Fixed(
            secret_header("Bearer ", token.expose_secret())
                .ok_or_else(|| Error::invalid("the bearer token cannot stand in a header"))?,
        ),
        Authorization::Basic { user, .. } if user.contains(':') => {
            return Err(Error::invalid("the user must not contain a colon"));
        }
        Authorization::Basic { user, password } => {
            let pair = STANDARD.encode(format!("{user}:{}", password.expose_secret()));
            let header = secret_header("Basic ", &pair);
            SignIn::Fixed(header.ok_or_else(|| Error::invalid("the user and password are too long"))?)
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

#[cfg(test)]
mod tests;
