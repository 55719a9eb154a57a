//! TLS: rustls with ring and the root certificates that are compiled in.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

use crate::transport::Connection;

/// The TLS settings of every connection: Mozilla's root certificates, your own, and your client certificate.
///
/// The crypto provider is passed explicitly, because the process-wide one belongs to the application. The
/// bundled roots take about ten microseconds; to read the system's roots would add milliseconds to each cold
/// start.
pub(super) fn client_config(connection: &Connection) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in &connection.extra_roots {
        roots.add(certificate.clone())?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    Ok(match &connection.identity {
        Some(identity) => builder.with_client_cert_resolver(identity.resolver()),
        None => builder.with_no_client_auth(),
    })
}
