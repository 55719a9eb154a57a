//! SMART Backend Services: sign-in with an assertion instead of a secret
//! (<https://hl7.org/fhir/smart-app-launch/backend-services.html>).

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use url::Url;
use url::form_urlencoded::Serializer;

use crate::assertion::assertion;
use crate::deadline::Deadline;
use crate::discovery::{TokenEndpoint, discover};
use crate::error::{Error, Kind};
use crate::exchange::Exchange;
use crate::request::Request;
use crate::retry::{self, Repeat};
use crate::sign_in_error::SignInError;
use crate::signer::Signer;
use crate::token_endpoint;
use crate::token_provider::{AccessToken, TokenFuture, TokenProvider, TokenRequest};
use crate::transport::TransportErrorKind;

/// Sign-in as a SMART Backend Service: a private key signs an assertion (RFC 7523).
///
/// By default, the server's `.well-known/smart-configuration` names the token endpoint. Each token request has a new assertion with a
/// random `jti`, valid for four minutes. So a server that refuses a repeated `jti` never sees one. The client keeps and renews a token as
/// with [`ClientCredentials`](crate::ClientCredentials).
///
/// ```
/// # fn example(pem: &str) -> Result<(), Box<dyn std::error::Error>> {
/// use fhir_sub::client::{Authorization, BackendServices, ClientConfig, FhirClient, SigningKey};
///
/// let key = SigningKey::from_pem(pem, "2026-11")?;
/// let services = BackendServices::new("my-lambda", key).scope("system/*.rs");
/// let config = ClientConfig::new("https://fhir.example.org/r4".parse()?)
///     .authorization(Authorization::BackendServices(services));
/// let fhir = FhirClient::new(config)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct BackendServices {
    #[doc(hidden)]
    pub token_endpoint: Option<TokenEndpoint>,
    client_id: String,
    signer: Arc<dyn Signer>,
    scope: Option<String>,
    audience: Option<String>,
}

impl BackendServices {
    /// The client id under which the public key is registered, and the signer.
    #[must_use]
    pub fn new(client_id: impl Into<String>, signer: impl Signer) -> Self {
        Self::with_signer(client_id, Arc::new(signer))
    }

    #[doc(hidden)]
    pub fn with_signer(client_id: impl Into<String>, signer: Arc<dyn Signer>) -> Self {
        Self { token_endpoint: None, client_id: client_id.into(), signer, scope: None, audience: None }
    }

    /// Sets the token endpoint instead of discovering it. It is the assertion's audience.
    #[must_use]
    pub fn token_url(mut self, url: Url) -> Self {
        self.token_endpoint = Some(TokenEndpoint { audience: url.as_str().to_owned(), url });
        self
    }

    /// Sets the token endpoint, and its audience as it was written, because a server compares an audience
    /// character by character.
    #[doc(hidden)]
    pub fn token_endpoint(mut self, url: Url, audience: String) -> Self {
        self.token_endpoint = Some(TokenEndpoint { url, audience });
        self
    }

    /// The scopes to ask for, separated by spaces; by default none.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// The `audience` to ask for. It is not part of the standard, but some servers need it. The assertion's audience is another.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }
}

impl fmt::Debug for BackendServices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackendServices")
            .field("token_host", &self.token_endpoint.as_ref().and_then(|endpoint| endpoint.url.host_str()))
            .field("signer", &self.signer)
            .field("scope", &self.scope)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

/// The token provider for this sign-in, over the client's own transport.
pub(crate) struct BackendServicesProvider {
    services: BackendServices,
    base_url: Url,
    exchange: Arc<Exchange>,
    /// The token endpoint that discovery found.
    discovered: Mutex<Option<TokenEndpoint>>,
}

impl TokenProvider for BackendServicesProvider {
    fn token<'a>(&'a self, request: TokenRequest<'a>) -> TokenFuture<'a> {
        Box::pin(async move { Ok(self.fetch(request.deadline()).await?) })
    }
}

impl BackendServicesProvider {
    pub(crate) fn new(services: BackendServices, base_url: Url, exchange: Arc<Exchange>) -> Self {
        Self { services, base_url, exchange, discovered: Mutex::default() }
    }

    async fn fetch(&self, deadline: Option<Deadline>) -> Result<AccessToken, SignInError> {
        let endpoint = self.endpoint(deadline).await?;
        let mut attempt = 0;
        loop {
            // The token's life counts from before the request.
            let asked_at = SystemTime::now();
            // Each repetition needs a new assertion, because the server may have seen the previous one.
            let request = self.request(&endpoint, asked_at).await?;
            attempt += 1;
            let (error, body) = match self.exchange.send(&request, None, deadline).await {
                Ok(answer) => return token_endpoint::token(answer.body(), asked_at),
                Err(failure) => failure,
            };
            match retry::pause(Repeat::Safe, &error, attempt, deadline.map(Deadline::remaining)) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => {
                    if has_moved(&error) {
                        *self.discovered.lock().unwrap_or_else(PoisonError::into_inner) = None;
                    }
                    return Err(token_endpoint::failure(error, &body));
                }
            }
        }
    }

    /// The token endpoint. It is discovered once, and again if it has moved.
    async fn endpoint(&self, deadline: Option<Deadline>) -> Result<TokenEndpoint, SignInError> {
        let discovered = || self.discovered.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.services.token_endpoint.clone().or_else(|| discovered().clone());
        if let Some(endpoint) = known {
            return Ok(endpoint);
        }
        let endpoint = discover(&self.exchange, &self.base_url, deadline).await?;
        *discovered() = Some(endpoint.clone());
        Ok(endpoint)
    }

    async fn request(&self, endpoint: &TokenEndpoint, now: SystemTime) -> Result<Request, SignInError> {
        let BackendServices { client_id, signer, scope, audience, .. } = &self.services;
        let assertion = assertion(&**signer, client_id, &endpoint.audience, now).await?;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        form.extend_pairs(scope.iter().map(|scope| ("scope", scope)));
        form.extend_pairs(audience.iter().map(|audience| ("audience", audience)));
        form.append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        form.append_pair("client_assertion", &assertion);
        let request = token_endpoint::request(&endpoint.url, form.finish());
        let mut request = request.map_err(|error| token_endpoint::failure(error, &[]))?;
        request.repeat = Repeat::Never;
        Ok(request)
    }
}

/// Whether the error suggests that the token endpoint has moved.
fn has_moved(error: &Error) -> bool {
    match error.kind() {
        Kind::Status { status, .. } => matches!(status.as_u16(), 300..400 | 404 | 405 | 410),
        Kind::Transport(error) => error.kind == TransportErrorKind::NotSent,
        _ => false,
    }
}
