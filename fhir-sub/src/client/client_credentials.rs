//! OAuth 2.0 client credentials: RFC 6749 §4.4.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::client::authorization::{
    AccessToken, ClientCredentials, TokenFuture, TokenProvider, TokenRequest,
};
use crate::client::error::{Error, Kind, SignInError};
use crate::client::exchange::Exchange;
use crate::client::request::Request;
use crate::client::retry::Repeat;
use crate::client::token::secret_header;
use crate::deadline::Deadline;

/// The life of a token whose server does not say.
const UNKNOWN_LIFE: Duration = Duration::from_secs(300);
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

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
        // The token's life is counted from before it was made.
        let asked_at = SystemTime::now();
        let request = self.request().map_err(|error| failure(error, None))?;
        let answer = match self.exchange.send(&request, None, deadline).await {
            Ok(answer) => answer,
            Err((error, body)) => return Err(failure(error, Some(&body))),
        };
        let no_token = || plain("the token endpoint's answer carries no bearer token", false);
        let answer: Answer = serde_json::from_slice(answer.body()).map_err(|_| no_token())?;
        if answer.token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            return Err(no_token());
        }
        let life = answer.expires_in.and_then(ExpiresIn::seconds).map_or(UNKNOWN_LIFE, Duration::from_secs);
        let token = AccessToken::new(SecretString::from(answer.access_token));
        Ok(AccessToken { expires_at: asked_at.checked_add(life), ..token })
    }

    /// The token request. It makes nothing but a token, so it may be repeated.
    fn request(&self) -> Result<Request, Error> {
        let ClientCredentials { token_url, client_id, client_secret, scope, audience } = &self.credentials;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        form.extend_pairs(scope.iter().map(|scope| ("scope", scope)));
        form.extend_pairs(audience.iter().map(|audience| ("audience", audience)));

        let mut request =
            Request::new(Method::POST, token_url, "token")?.body(FORM, Bytes::from(form.finish()));
        request.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", encode(client_id), encode(client_secret.expose_secret()));
        let header = secret_header("Basic ", &STANDARD.encode(pair));
        request
            .headers
            .insert(AUTHORIZATION, header.ok_or_else(|| Error::invalid("the client id is too long"))?);
        request.repeat = Repeat::Safe;
        Ok(request)
    }
}

/// RFC 6749 §5.1.
#[derive(Deserialize)]
struct Answer {
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<ExpiresIn>,
}

/// A number by the standard; some servers write it as a text, or with a fraction.
#[derive(Deserialize)]
#[serde(untagged)]
enum ExpiresIn {
    Number(f64),
    Text(String),
    Other(serde::de::IgnoredAny),
}

impl ExpiresIn {
    fn seconds(self) -> Option<u64> {
        let seconds = match self {
            Self::Number(number) => number,
            Self::Text(text) => text.trim().parse().ok()?,
            Self::Other(_) => return None,
        };
        // The cast saturates; a negative life is none at all.
        seconds.is_finite().then_some(seconds as u64)
    }
}

/// RFC 6749 §5.2. Only its own codes are told; the description may say anything.
fn oauth_error(body: &[u8]) -> Option<&'static str> {
    #[derive(Deserialize)]
    struct Body {
        error: String,
    }
    const CODES: &[&str] = &[
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    ];
    let body: Body = serde_json::from_slice(body).ok()?;
    CODES.iter().find(|code| **code == body.error).copied()
}

fn failure(error: Error, body: Option<&[u8]>) -> SignInError {
    let transient = error.is_transient();
    match error.kind() {
        Kind::Status { status, .. } => {
            let code = body.and_then(oauth_error).map(|code| format!(" ({code})")).unwrap_or_default();
            plain(&format!("the token endpoint answered {}{code}", status.as_u16()), transient)
        }
        _ => SignInError {
            text: format!("the token endpoint gave no token: {error}"),
            transient,
            source: Some(Arc::new(error)),
        },
    }
}

fn plain(text: &str, transient: bool) -> SignInError {
    SignInError { text: text.to_owned(), transient, source: None }
}

impl std::error::Error for SignInError {}
