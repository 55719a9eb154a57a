//! [`Identity`]: the certificate for a server that asks for one, and its key.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{InconsistentKeys, crypto::ring};

/// A client certificate with its key.
#[allow(missing_debug_implementations)] // Of no use outside of fhir-sub.
#[doc(hidden)]
pub struct Identity(CertifiedKey);

impl Identity {
    /// Reads a certificate, followed by the certificates that lead to its root, and its key, both as PEM. The
    /// error continues a sentence that begins with the source's name.
    #[doc(hidden)]
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, Unfit> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
        let chain = chain.map_err(|_| Unfit::Certificate("is not PEM"))?;
        if chain.is_empty() {
            return Err(Unfit::Certificate(
                "holds no certificate: write PEM that begins with `-----BEGIN CERTIFICATE-----`",
            ));
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| {
            let is_encrypted = key.windows(9).any(|part| part == b"ENCRYPTED");
            Unfit::Key(if is_encrypted {
                "is encrypted: decrypt it with `openssl pkcs8 -in KEY.pem`"
            } else {
                "holds no private key: write PEM that begins with `-----BEGIN PRIVATE KEY-----`"
            })
        })?;
        match CertifiedKey::from_der(chain, key, &ring::default_provider()) {
            Ok(pair) => Ok(Self(pair)),
            Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
                Err(Unfit::Key("is the key of another certificate than the first one"))
            }
            Err(rustls::Error::InvalidCertificate(_)) => {
                Err(Unfit::Certificate("holds a certificate that cannot be read"))
            }
            Err(_) => Err(Unfit::Key("is not a usable key: write an RSA, P-256, P-384 or Ed25519 key")),
        }
    }

    /// The form in which rustls needs the certificate.
    #[doc(hidden)]
    pub fn resolver(&self) -> Arc<SingleCertAndKey> {
        Arc::new(SingleCertAndKey::from(self.0.clone()))
    }
}

/// Why a certificate and its key are unfit: the wrong one of the two, and the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub enum Unfit {
    Certificate(&'static str),
    Key(&'static str),
}
