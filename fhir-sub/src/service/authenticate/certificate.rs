//! A client certificate that the gateway has verified. The gateway names the certificate where no caller can write.

use ring::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::request::Headers;
use crate::settings::{Certificates, Settings};

/// Whether the caller has shown the gateway one of the certificates that the settings name.
pub(super) fn is_known(settings: &Settings, headers: &dyn Headers) -> bool {
    let Some(Certificates { subjects, fingerprints, load_balancer_verifies }) =
        &settings.callers.certificates
    else {
        return false;
    };
    let Some(shown) = headers.client_certificate(*load_balancer_verifies) else { return false };
    if subjects.iter().any(|subject| *subject == shown.subject) {
        return true;
    }
    if fingerprints.is_empty() {
        return false;
    }
    let Ok(certificate) = CertificateDer::from_pem_slice(shown.pem.as_bytes()) else { return false };
    let fingerprint = digest(&SHA256, &certificate);
    fingerprints.iter().any(|known| known == fingerprint.as_ref())
}
