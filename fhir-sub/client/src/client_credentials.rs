//! OAuth 2.0 client credentials: RFC 6749 §4.4.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::deadline::Deadline;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::fhir::SecretString;
use crate::request::Request;
use crate::retry::Repeat;
use crate::sign_in_error::SignInError;
use crate::token::secret_header;
use crate::token_endpoint;
use crate::token_provider::{AccessToken, TokenFuture, TokenProvider, TokenRequest};

/// OAuth 2.0 client credentials: token endpoint, client id and secret.
///
/// The client signs in at the token endpoint with HTTP Basic, which every server must accept (RFC 6749 §2.3.1). Id and secret are
/// form-encoded first, as that section says. If a server wants them in the body, use a [`TokenProvider`]. If it wants a signed assertion,
/// use [`BackendServices`](crate::BackendServices).
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
    client_id: String,
    client_secret: SecretString,
    scope: Option<String>,
    audience: Option<String>,
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

const LONG_CLIENT: &str = "the client id and secret (`ClientCredentials::new`, or FHIR_AUTH_CLIENT_ID and FHIR_AUTH_CLIENT_SECRET) \
     are too long for a header: shorten them";

/// The token provider that signs in with client credentials, over the client's own transport.
pub(crate) struct ClientCredentialsProvider {
    pub(crate) credentials: ClientCredentials,
    pub(crate) exchange: Arc<Exchange>,
}

impl TokenProvider for ClientCredentialsProvider {
    fn token<'a>(&'a self, request: TokenRequest<'a>) -> TokenFuture<'a> {
        Box::pin(async move { Ok(self.fetch(request.deadline()).await?) })
    }
}

impl ClientCredentialsProvider {
    async fn fetch(&self, deadline: Option<Deadline>) -> Result<AccessToken, SignInError> {
        // The token's life counts from before the request.
        let asked_at = SystemTime::now();
        let request = self.request().map_err(|error| token_endpoint::failure(error, &[]))?;
        let answer = match self.exchange.send(&request, None, deadline).await {
            Ok(answer) => answer,
            Err((error, body)) => return Err(token_endpoint::failure(error, &body)),
        };
        token_endpoint::token(answer.body(), asked_at)
    }

    /// The token request. It only creates a token, so it may be repeated.
    fn request(&self) -> Result<Request, Error> {
        let ClientCredentials { token_url, client_id, client_secret, scope, audience } = &self.credentials;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        form.extend_pairs(scope.iter().map(|scope| ("scope", scope)));
        form.extend_pairs(audience.iter().map(|audience| ("audience", audience)));

        let mut request = token_endpoint::request(token_url, form.finish())?;
        let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", encode(client_id), encode(client_secret.expose_secret()));
        let header = secret_header("Basic ", &STANDARD.encode(pair));
        request.headers.insert(AUTHORIZATION, header.ok_or_else(|| Error::invalid(LONG_CLIENT))?);
        request.repeat = Repeat::Safe;
        Ok(request)
    }
}
