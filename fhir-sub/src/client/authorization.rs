//! How a client signs in.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::client::SecretString;
use url::Url;

use crate::client::backend_services::BackendServices;
use crate::deadline::Deadline;

/// How a [`FhirClient`](crate::client::FhirClient) signs in. `Debug` shows no secret.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Authorization {
    /// Not at all.
    #[default]
    None,
    /// With a token that never changes (RFC 6750).
    Bearer(SecretString),
    /// With a user and a password (RFC 7617).
    Basic {
        /// The user; no `:` in it.
        user: String,
        /// The password.
        password: SecretString,
    },
    /// With OAuth 2.0 client credentials (RFC 6749 §4.4).
    ClientCredentials(ClientCredentials),
    /// With assertions that a private key signs: SMART Backend Services.
    BackendServices(BackendServices),
    /// With tokens of your own [`TokenProvider`].
    Provider(Arc<dyn TokenProvider>),
}

/// OAuth 2.0 client credentials: token endpoint, client id and secret.
///
/// The client signs in at the token endpoint with HTTP Basic, which every server must accept (RFC 6749 §2.3.1). Id and secret are
/// form-encoded first, as that section says. If a server wants them in the body, use a [`TokenProvider`]. If it wants a signed assertion,
/// use [`BackendServices`].
///
/// The client keeps a token until 60 seconds before its end, or until a fifth of its life is left if that is less. Without `expires_in`, a
/// token lasts 300 seconds.
///
/// ```
/// use fhir_sub::client::{Authorization, ClientCredentials};
///
/// let url = "https://sign-in.example.org/token".parse()?;
/// let credentials = ClientCredentials::new(url, "my-lambda", "the-secret".into()).scope("system/*.rs");
/// let authorization = Authorization::ClientCredentials(credentials);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ClientCredentials {
    pub(crate) token_url: Url,
    pub(crate) client_id: String,
    pub(crate) client_secret: SecretString,
    pub(crate) scope: Option<String>,
    pub(crate) audience: Option<String>,
}

impl ClientCredentials {
    /// Credentials for a token endpoint, without scope or audience.
    #[must_use]
    pub fn new(token_url: Url, client_id: impl Into<String>, client_secret: SecretString) -> Self {
        Self { token_url, client_id: client_id.into(), client_secret, scope: None, audience: None }
    }

    /// The scopes to ask for, separated by spaces.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// The `audience` to ask for. It is not part of the standard, but some servers need it.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentials")
            .field("token_host", &self.token_url.host_str())
            .field("scope", &self.scope)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

/// Gets access tokens in your own way: from a cloud's identity service, a vault, a file.
///
/// The client keeps a token. It asks again shortly before the token's end, and once after a 401. It never asks twice at once, however many
/// requests wait, so an implementation needs no cache and no lock. An implementation must
/// - be safe to drop at any await, because the deadline of its caller may pass;
/// - return a new token if [`TokenRequest::refused`] is set, and not the refused one from a cache;
/// - keep secrets out of its error's text: the client shows the text nowhere, but the error is the
///   [`source`](std::error::Error::source) of the client's error.
///
/// ```
/// use fhir_sub::client::{AccessToken, TokenFuture, TokenProvider, TokenRequest};
///
/// #[derive(Debug)]
/// struct FromFile(std::path::PathBuf);
///
/// impl TokenProvider for FromFile {
///     fn token<'a>(&'a self, _request: TokenRequest<'a>) -> TokenFuture<'a> {
///         Box::pin(async move {
///             let token = std::fs::read_to_string(&self.0)?;
///             Ok(AccessToken::new(token.trim()))
///         })
///     }
/// }
/// ```
pub trait TokenProvider: Send + Sync + 'static {
    /// Gets a token. An error fails every request that waits for it.
    fn token<'a>(&'a self, request: TokenRequest<'a>) -> TokenFuture<'a>;
}

/// What [`TokenProvider::token`] returns.
pub type TokenFuture<'a> =
    Pin<Box<dyn Future<Output = Result<AccessToken, Box<dyn Error + Send + Sync>>> + Send + 'a>>;

impl fmt::Debug for dyn TokenProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenProvider")
    }
}

/// The request to a [`TokenProvider`].
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenRequest<'a> {
    pub(crate) refused: Option<&'a AccessToken>,
    pub(crate) deadline: Option<Deadline>,
}

impl<'a> TokenRequest<'a> {
    /// The request after a 401; the `Default` is the first request. Both are for tests of a provider.
    #[must_use]
    pub fn after_refusal(refused: &'a AccessToken) -> Self {
        Self { refused: Some(refused), deadline: None }
    }

    /// The token that the FHIR server has just refused with a 401. Do not return it again.
    #[must_use]
    pub fn refused(&self) -> Option<&'a AccessToken> {
        self.refused
    }

    /// When the caller stops waiting.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        self.deadline
    }
}

/// An access token and its end, by the wall clock, because a Lambda's other clocks may stand still. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct AccessToken {
    pub(crate) secret: SecretString,
    pub(crate) expires_at: Option<SystemTime>,
}

impl AccessToken {
    /// A token without an end: it is used until a server refuses it.
    #[must_use]
    pub fn new(token: impl Into<SecretString>) -> Self {
        Self { secret: token.into(), expires_at: None }
    }

    /// The token with its end. It is renewed 60 seconds before, or when a fifth of its time is left if that is less.
    #[must_use]
    pub fn expires_at(mut self, end: SystemTime) -> Self {
        self.expires_at = Some(end);
        self
    }

    /// The token with its end counted from now, as in `expires_in`.
    #[must_use]
    pub fn expires_in(self, time: Duration) -> Self {
        let end = SystemTime::now().checked_add(time);
        Self { expires_at: end, ..self }
    }

    /// The token itself.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }
}
