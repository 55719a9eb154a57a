//! [`SigningKey`]: a private key in the process, from PEM or a JWK.

mod der;
mod jwk;

use std::fmt;

use ring::rand::SystemRandom;
use ring::rsa::KeyPair as RsaKeyPair;
use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA384};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

use crate::error::Error;
use crate::signer::{SignatureFuture, Signer, SigningAlgorithm};

/// A private key in the process that signs assertions: RSA (`RS384`) or P-384 (`ES384`). `Debug` shows no secret.
///
/// ```
/// # fn example(pem: &str) -> Result<(), fhir_sub::client::Error> {
/// use fhir_sub::client::{Authorization, BackendServices, SigningKey};
///
/// let key = SigningKey::from_pem(pem, "2026-11")?;
/// let authorization = Authorization::BackendServices(BackendServices::new("my-lambda", key));
/// # Ok(())
/// # }
/// ```
pub struct SigningKey {
    pair: Pair,
    key_id: String,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    P384(Box<EcdsaKeyPair>),
}

impl SigningKey {
    /// Reads a key from PEM: PKCS#8 (`BEGIN PRIVATE KEY`), PKCS#1 (`BEGIN RSA PRIVATE KEY`) or SEC1 (`BEGIN EC PRIVATE
    /// KEY`), with the `kid` by which the server knows its public key.
    ///
    /// In a setting without line breaks, `\n` may stand between the lines.
    ///
    /// # Errors
    /// The text contains no private key, the key is encrypted, or it is neither RSA with 2048 to 4096 bits
    /// nor P-384. The error names the `openssl` command that makes such a key.
    pub fn from_pem(pem: &str, key_id: impl Into<String>) -> Result<Self, Error> {
        Ok(Self { pair: pair_of_pem(pem).map_err(Error::invalid)?, key_id: key_id.into() })
    }

    /// Reads a key from a JWK (RFC 7517) with `kty` `RSA` or `EC`, and with a `kid`.
    ///
    /// # Errors
    /// The JWK is not a private key, is neither RSA nor P-384, or has no `kid`.
    pub fn from_jwk(jwk: &str) -> Result<Self, Error> {
        let (pair, key_id) = jwk::read(jwk).map_err(Error::invalid)?;
        let key_id = key_id.ok_or_else(|| Error::invalid("the JWK has no `kid`"))?;
        Ok(Self { pair, key_id })
    }

    /// Reads a key from PEM or a JWK; `None` if it has no `kid`. The error continues a sentence that begins
    /// with a setting's name.
    #[doc(hidden)]
    pub fn from_text(text: &str, key_id: Option<&str>) -> Result<Option<Self>, &'static str> {
        let (pair, own) =
            if text.trim_start().starts_with('{') { jwk::read(text)? } else { (pair_of_pem(text)?, None) };
        Ok(key_id.map(str::to_owned).or(own).map(|key_id| Self { pair, key_id }))
    }
}

impl Signer for SigningKey {
    fn algorithm(&self) -> SigningAlgorithm {
        match self.pair {
            Pair::Rsa(_) => SigningAlgorithm::Rs384,
            Pair::P384(_) => SigningAlgorithm::Es384,
        }
    }

    fn key_id(&self) -> &str {
        &self.key_id
    }

    fn sign<'a>(&'a self, input: &'a [u8]) -> SignatureFuture<'a> {
        let random = SystemRandom::new();
        let signed = match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA384, &random, input, &mut signature).map(|()| signature)
            }
            Pair::P384(pair) => pair.sign(&random, input).map(|signature| signature.as_ref().to_vec()),
        };
        Box::pin(std::future::ready(signed.map_err(|_| "the system gives no random numbers".into())))
    }
}

const RSA_UNFIT: &str = "is an RSA key that cannot be used: it must have 2048 to 4096 bits. Make one with \
     `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072`";
const EC_UNFIT: &str = "is an elliptic-curve key that cannot be used: it must be on P-384. Make one with \
     `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384`";
const EC_PUBLIC: &str = "is a P-384 key without its public key, or damaged. Add the public key with \
     `openssl ec -in KEY.pem | openssl pkcs8 -topk8 -nocrypt`";
const ENCRYPTED: &str =
    "is encrypted. Decrypt it with `openssl pkcs8 -in KEY.pem`, and keep the setting as a secret";
const NO_KEY: &str =
    "holds no private key: write PEM that begins with `-----BEGIN PRIVATE KEY-----`, or a JWK";
const OTHER: &str = "is neither an RSA nor a P-384 key. Make one with \
     `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384`";

fn pair_of_pem(pem: &str) -> Result<Pair, &'static str> {
    let pem = if pem.contains('\n') { pem.to_owned() } else { pem.replace("\\n", "\n") };
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes())
        .map_err(|_| if pem.contains("BEGIN ENCRYPTED PRIVATE KEY") { ENCRYPTED } else { NO_KEY })?;
    match &key {
        _ if pem.contains("Proc-Type: 4,ENCRYPTED") => Err(ENCRYPTED),
        PrivateKeyDer::Pkcs1(key) => rsa(RsaKeyPair::from_der(key.secret_pkcs1_der())),
        PrivateKeyDer::Sec1(key) => p384(&der::pkcs8_of_sec1(key.secret_sec1_der())),
        PrivateKeyDer::Pkcs8(key) => {
            let key = key.secret_pkcs8_der();
            match der::algorithm(key) {
                Some(der::RSA) => rsa(RsaKeyPair::from_pkcs8(key)),
                Some(der::EC) => p384(key),
                _ => Err(OTHER),
            }
        }
        _ => Err(OTHER),
    }
}

fn rsa(pair: Result<RsaKeyPair, ring::error::KeyRejected>) -> Result<Pair, &'static str> {
    pair.map(|pair| Pair::Rsa(Box::new(pair))).map_err(|_| RSA_UNFIT)
}

fn p384(pkcs8: &[u8]) -> Result<Pair, &'static str> {
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, pkcs8, &SystemRandom::new());
    let named_otherwise = || if der::names_p384(pkcs8) { EC_PUBLIC } else { EC_UNFIT };
    pair.map(|pair| Pair::P384(Box::new(pair))).map_err(|_| named_otherwise())
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("algorithm", &self.algorithm()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
