//! [`TokenProvider`]: where access tokens come from.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use crate::deadline::Deadline;
use crate::fhir::SecretString;

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
