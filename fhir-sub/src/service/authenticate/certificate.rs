//! A client certificate that the gateway has verified. The gateway passes it in a place that callers cannot
//! write to.

use ring::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::request::Headers;
use crate::settings::{Certificates, Settings};

/// Whether the gateway has verified one of the certificates in the settings.
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
