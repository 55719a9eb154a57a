//! One access token for all requests. Requests that wait for the same token cause one fetch.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use http::HeaderValue;
use tokio::sync::Mutex;

use crate::deadline::Deadline;
use crate::error::{Error, Kind};
use crate::sign_in_error::SignInError;
use crate::token_provider::{AccessToken, TokenProvider, TokenRequest};

/// A token is renewed this long before its end, unless its life is short.
const MARGIN: Duration = Duration::from_secs(60);
/// If a renewal fails and the token is still valid, the client uses it this long before the next try.
const RENEWAL_PAUSE: Duration = Duration::from_secs(10);
/// How long a renewal may take while the token is still valid.
const RENEWAL_PATIENCE: Duration = Duration::from_secs(5);

/// The current token, and the fetch of the next.
pub(crate) struct TokenCache {
    provider: Arc<dyn TokenProvider>,
    slot: Mutex<Slot>,
    /// The number of completed fetches; read before the wait for the slot.
    fetches: AtomicU64,
}

#[derive(Default)]
struct Slot {
    held: Option<Held>,
    /// The error of the last fetch, for the callers that waited for it.
    failure: Option<SignInError>,
}

struct Held {
    token: AccessToken,
    header: HeaderValue,
    number: u64,
    fetched_at: SystemTime,
    renew_at: Option<SystemTime>,
    refused: bool,
}

/// An `Authorization` header, and the number of its token.
#[derive(Clone)]
pub(crate) struct Signature {
    pub(crate) header: HeaderValue,
    number: u64,
}

impl TokenCache {
    pub(crate) fn new(provider: Arc<dyn TokenProvider>) -> Self {
        Self { provider, slot: Mutex::default(), fetches: AtomicU64::new(0) }
    }

    /// The token to sign with. It is fetched if there is no valid one.
    ///
    /// `refused` is the signature that the server has just answered with 401. If another caller has meanwhile
    /// renewed the token, this returns the new one without another fetch.
    pub(crate) async fn signature(
        &self,
        refused: Option<&Signature>,
        deadline: Option<Deadline>,
    ) -> Result<Signature, Error> {
        let seen = self.fetches.load(Ordering::Acquire);
        // The holder of the lock fetches the token. If its deadline drops it, the next waiting caller
        // fetches.
        let mut slot = self.slot.lock().await;
        let now = SystemTime::now();
        if let (Some(held), Some(refused)) = (slot.held.as_mut(), refused) {
            held.refused |= held.number == refused.number;
        }
        if let Some(held) = slot.held.as_ref().filter(|held| held.holds(now)) {
            return Ok(held.signature());
        }
        let waited = self.fetches.load(Ordering::Acquire) != seen;
        if let Some(failure) = slot.failure.as_ref().filter(|_| waited) {
            return Err(Error::new(Kind::SignIn(failure.clone())));
        }
        let is_good = slot.held.as_ref().is_some_and(|held| held.still_good(now + RENEWAL_PATIENCE));
        let fetch = self.fetch(slot.held.as_ref(), deadline);
        let result = if is_good {
            // A token endpoint that hangs must not take the time of the request.
            let fetched = tokio::time::timeout(RENEWAL_PATIENCE, fetch).await;
            fetched
                .unwrap_or_else(|_| Err(SignInError::plain("the access token was not renewed in time", true)))
        } else {
            fetch.await
        };
        let number = self.fetches.fetch_add(1, Ordering::AcqRel) + 1;
        match result {
            Ok((token, header)) => {
                let held = Held::new(token, header, number, now);
                let signature = held.signature();
                *slot = Slot { held: Some(held), failure: None };
                Ok(signature)
            }
            Err(failure) => match slot.held.as_mut().filter(|held| held.still_good(SystemTime::now())) {
                Some(held) => {
                    let next = SystemTime::now() + RENEWAL_PAUSE;
                    held.renew_at = Some(held.token.expires_at.map_or(next, |end| end.min(next)));
                    Ok(held.signature())
                }
                // Waiting callers may have later deadlines than this one.
                // An older failure says nothing about now.
                None if deadline.is_some_and(Deadline::has_passed) => {
                    slot.failure = None;
                    Err(Error::new(Kind::Deadline))
                }
                None => {
                    slot.failure = Some(failure.clone());
                    Err(Error::new(Kind::SignIn(failure)))
                }
            },
        }
    }

    async fn fetch(
        &self,
        held: Option<&Held>,
        deadline: Option<Deadline>,
    ) -> Result<(AccessToken, HeaderValue), SignInError> {
        let refused = held.filter(|held| held.refused).map(|held| &held.token);
        let token = self.provider.token(TokenRequest { refused, deadline }).await.map_err(sign_in_error)?;
        let header = bearer(&token).ok_or_else(|| SignInError {
            text: "the access token cannot stand in a header".to_owned(),
            transient: false,
            source: None,
        })?;
        Ok((token, header))
    }
}

impl Held {
    fn new(token: AccessToken, header: HeaderValue, number: u64, fetched_at: SystemTime) -> Self {
        let renew_at = token.expires_at.map(|end| {
            let life = end.duration_since(fetched_at).unwrap_or_default();
            end.checked_sub(MARGIN.min(life / 5)).unwrap_or(end)
        });
        Self { token, header, number, fetched_at, renew_at, refused: false }
    }

    /// Whether the token is usable and needs no renewal: it is not refused and does not end soon.
    fn holds(&self, now: SystemTime) -> bool {
        // If the clock went backwards, the token's age is unknown.
        !self.refused && now >= self.fetched_at && self.renew_at.is_none_or(|at| now < at)
    }

    /// Whether the token may be used when a renewal failed.
    fn still_good(&self, now: SystemTime) -> bool {
        !self.refused && self.token.expires_at.is_none_or(|end| now < end)
    }

    fn signature(&self) -> Signature {
        Signature { header: self.header.clone(), number: self.number }
    }
}

fn bearer(token: &AccessToken) -> Option<HeaderValue> {
    secret_header("Bearer ", token.secret.expose_secret())
}

/// An `Authorization` header, marked so that no log shows it.
pub(crate) fn secret_header(scheme: &str, secret: &str) -> Option<HeaderValue> {
    // Tokens have visible characters only; a correct server sends no others.
    let visible = !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic());
    let mut header = HeaderValue::try_from(format!("{scheme}{secret}")).ok().filter(|_| visible)?;
    header.set_sensitive(true);
    Some(header)
}

/// How much of a provider's error may be shown: all of our own errors, but no text of others.
fn sign_in_error(error: Box<dyn std::error::Error + Send + Sync>) -> SignInError {
    match error.downcast::<SignInError>() {
        Ok(error) => *error,
        Err(error) => SignInError {
            text: "the token provider failed".to_owned(),
            transient: true,
            source: Some(error.into()),
        },
    }
}

#[cfg(test)]
mod tests;
