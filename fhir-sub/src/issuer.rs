//! [`Issuer`]: who makes the access tokens that let notifications in (OAuth 2.0, RFC 9068).
//!
//! `jsonwebtoken` verifies a token, with ring. Before that, the token is looked at as far as it costs next to nothing: one of
//! another issuer has no key fetched for it, and no signature verified.

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

/// How far the clocks of the issuer and of this machine may be apart, in seconds.
const LEEWAY: u64 = 60;

/// The algorithms that are taken. None is of a shared key, so that no public key is mistaken for one.
const ALGORITHMS: [Algorithm; 6] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// The authorization server that makes access tokens, and its keys.
pub(crate) struct Issuer {
    settings: TokenCallers,
    keys: Keys,
    /// What is verified of a token of each of [`ALGORITHMS`].
    validations: [Validation; ALGORITHMS.len()],
}

impl Issuer {
    /// Nothing is fetched before the first token.
    pub(crate) fn new(settings: TokenCallers, transport: Arc<dyn Transport>) -> Self {
        // A program that verifies tokens of its own may have installed another, which does as well.
        let _ = provider::RING.install_default();
        let validations = ALGORITHMS.map(|algorithm| validation(algorithm, &settings));
        let source = Source::new(&settings, transport);
        Self { settings, keys: Keys::new(source), validations }
    }

    /// Whether `token` is one of the issuer, for this program, that holds now.
    pub(crate) async fn check(
        &self,
        token: &str,
        now: SystemTime,
        deadline: Deadline,
    ) -> Result<(), Refused> {
        let read = Token::read(token, &self.settings, now)?;
        let key = self.keys.find(&read, now, deadline).await?;
        let place = ALGORITHMS.iter().position(|algorithm| *algorithm == read.algorithm);
        let validation = place.map(|place| &self.validations[place]).ok_or(Refused::Algorithm)?;
        // Everything again, and the signature.
        match jsonwebtoken::decode::<IgnoredAny>(token, &key, validation) {
            Ok(_) => Ok(()),
            Err(_) => Err(Refused::Signature),
        }
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

#[cfg(all(test, feature = "testing"))]
mod tests;
