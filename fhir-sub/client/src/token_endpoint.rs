//! Requests to a token endpoint, and its answers: RFC 6749 §5.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::SecretString;
use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderValue, Method};
use serde::Deserialize;
use url::Url;

use crate::error::{Error, Kind};
use crate::request::Request;
use crate::sign_in_error::SignInError;
use crate::token_provider::AccessToken;

/// The life of a token if the server does not state it.
const UNKNOWN_LIFE: Duration = Duration::from_secs(300);
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A request for a token.
pub(crate) fn request(url: &Url, form: String) -> Result<Request, Error> {
    let mut request = Request::new(Method::POST, url, "token")?.body(FORM, Bytes::from(form));
    request.headers.insert(ACCEPT, JSON);
    Ok(request)
}

/// The token in an answer. Its life counts from `asked_at`, the time before the request.
pub(crate) fn token(body: &[u8], asked_at: SystemTime) -> Result<AccessToken, SignInError> {
    let no_token = || SignInError::plain("the token endpoint's answer carries no bearer token", false);
    let answer: Answer = serde_json::from_slice(body).map_err(|_| no_token())?;
    if answer.token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(no_token());
    }
    let life = answer.expires_in.and_then(ExpiresIn::seconds).map_or(UNKNOWN_LIFE, Duration::from_secs);
    let token = AccessToken::new(SecretString::from(answer.access_token));
    Ok(AccessToken { expires_at: asked_at.checked_add(life), ..token })
}

/// RFC 6749 §5.1.
#[derive(Deserialize)]
struct Answer {
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<ExpiresIn>,
}

/// The standard wants a number; some servers write a text or a fraction.
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
        // The cast saturates; a negative life counts as 0.
        seconds.is_finite().then_some(seconds as u64)
    }
}

/// RFC 6749 §5.2. Only the standard's own codes are shown, because the description may contain anything.
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

/// Why the exchange gave no token, by its error and the body of the answer.
pub(crate) fn failure(error: Error, body: &[u8]) -> SignInError {
    let transient = error.is_transient();
    match error.kind() {
        Kind::Status { status, .. } => {
            let code = oauth_error(body).map(|code| format!(" ({code})")).unwrap_or_default();
            SignInError::plain(format!("the token endpoint answered {}{code}", status.as_u16()), transient)
        }
        _ => SignInError {
            text: format!("the token endpoint gave no token: {error}"),
            transient,
            source: Some(Arc::new(error)),
        },
    }
}
