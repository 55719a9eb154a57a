//! [`Issuer`]: the issuer of the access tokens that let notifications in (OAuth 2.0, RFC 9068).
//!
//! `jsonwebtoken` verifies a token, with ring. Before that come the checks that cost almost nothing: for a
//! token of another issuer, no key is fetched and no signature is verified.

mod fetch;
mod key;
mod keys;
mod provider;
mod refused;
mod token;

use std::sync::Arc;
use std::time::SystemTime;

use jsonwebtoken::{Algorithm, Validation};
use serde::de::IgnoredAny;

pub(crate) use refused::Refused;

use self::fetch::Source;
use self::keys::Keys;
use self::token::Token;
use crate::client::transport::Transport;
use crate::deadline::Deadline;
use crate::settings::TokenCallers;

/// How far the clocks of the issuer and of this machine may differ, in seconds.
const LEEWAY: u64 = 60;

/// The accepted algorithms. None of them has a shared key, so a public key can never be mistaken for one.
const ALGORITHMS: [Algorithm; 6] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// The authorization server that issues access tokens, and its keys.
pub(crate) struct Issuer {
    settings: TokenCallers,
    keys: Arc<Keys>,
    /// The checks for a token of each of [`ALGORITHMS`].
    validations: [Validation; ALGORITHMS.len()],
}

impl Issuer {
    /// Nothing is fetched before the first token arrives.
    pub(crate) fn new(settings: TokenCallers, transport: Arc<dyn Transport>) -> Self {
        // A program that verifies tokens itself may have installed another provider, which works too.
        let _ = provider::RING.install_default();
        let validations = ALGORITHMS.map(|algorithm| validation(algorithm, &settings));
        let source = Source::new(&settings, transport);
        Self { settings, keys: Arc::new(Keys::new(source)), validations }
    }

    /// Checks that `token` comes from the issuer, is for this program, and is valid now.
    pub(crate) async fn check(
        &self,
        token: &str,
        now: SystemTime,
        deadline: Deadline,
    ) -> Result<(), Refused> {
        let read = Token::read(token, &self.settings, now)?;
        let keys = self.keys.find(&read, now, deadline).await?;
        let place = ALGORITHMS.iter().position(|algorithm| *algorithm == read.algorithm);
        let validation = place.map(|place| &self.validations[place]).ok_or(Refused::Algorithm)?;
        // All claims are checked again, and the signature.
        let is_right = |key| jsonwebtoken::decode::<IgnoredAny>(token, key, validation).is_ok();
        if keys.iter().any(is_right) { Ok(()) } else { Err(Refused::Signature) }
    }
}

fn validation(algorithm: Algorithm, settings: &TokenCallers) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.leeway = LEEWAY;
    validation.validate_nbf = true;
    validation.set_issuer(&[&settings.issuer]);
    validation.set_audience(&[&settings.audience]);
    validation.set_required_spec_claims(&["iss", "aud", "exp"]);
    validation
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Issuer").field(&self.settings.issuer).finish()
    }
}

#[cfg(test)]
mod tests;
