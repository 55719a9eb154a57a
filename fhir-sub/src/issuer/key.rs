//! [`Key`]: a public key of the issuer, with its algorithms.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// The most keys of an issuer that are kept.
const MOST: usize = 64;

/// A public key of the issuer.
pub(super) struct Key {
    pub(super) id: Option<String>,
    /// The algorithms that the key may verify.
    algorithms: Vec<Algorithm>,
    pub(super) decoding: DecodingKey,
}

impl Key {
    /// The keys in a set (RFC 7517 §5) that may verify a signature; `None` if the text is not a set.
    pub(super) fn read_all(set: &[u8]) -> Option<Vec<Self>> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let Set { keys } = serde_json::from_slice(set).ok()?;
        // A key of an unknown kind is ignored (RFC 7517 §5).
        let keys = keys.into_iter().filter_map(|key| Self::of(&serde_json::from_value(key).ok()?));
        Some(keys.take(MOST).collect())
    }

    /// The key, unless it is not for signatures of the accepted algorithms.
    fn of(jwk: &Jwk) -> Option<Self> {
        let common = &jwk.common;
        let is_for_signatures =
            common.public_key_use.as_ref().is_none_or(|it| *it == PublicKeyUse::Signature)
                && common.key_operations.as_ref().is_none_or(|it| it.contains(&KeyOperations::Verify));
        let of_kind: &[(KeyAlgorithm, Algorithm)] = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => &[
                (KeyAlgorithm::RS256, Algorithm::RS256),
                (KeyAlgorithm::RS384, Algorithm::RS384),
                (KeyAlgorithm::RS512, Algorithm::RS512),
            ],
            AlgorithmParameters::EllipticCurve(key) => match key.curve {
                EllipticCurve::P256 => &[(KeyAlgorithm::ES256, Algorithm::ES256)],
                EllipticCurve::P384 => &[(KeyAlgorithm::ES384, Algorithm::ES384)],
                _ => &[],
            },
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
                &[(KeyAlgorithm::EdDSA, Algorithm::EdDSA)]
            }
            AlgorithmParameters::OctetKeyPair(_) | AlgorithmParameters::OctetKey(_) => &[],
        };
        let named =
            |(name, _): &&(KeyAlgorithm, Algorithm)| common.key_algorithm.is_none_or(|it| it == *name);
        let algorithms: Vec<_> = of_kind.iter().filter(named).map(|(_, algorithm)| *algorithm).collect();
        let decoding = DecodingKey::from_jwk(jwk).ok()?;
        (is_for_signatures && !algorithms.is_empty()).then(|| Self {
            id: common.key_id.clone(),
            algorithms,
            decoding,
        })
    }

    pub(super) fn suits(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }
}
