//! The settings of a client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use url::Url;

use crate::authorization::Authorization;
use crate::discovery::is_plain;
use crate::error::Error;
use crate::fhir::FhirVersion;
use crate::keeper::Renewal;
use crate::page_limits::PageLimits;
use crate::transport::Connection;
use crate::transport::identity::{Identity, Unfit};
use crate::transport::proxies::{Proxies, is_proxy};

/// The settings of a [`FhirClient`](crate::FhirClient).
///
/// ```
/// use std::time::Duration;
/// use fhir_sub::client::{Authorization, ClientConfig, FhirClient};
///
/// let config = ClientConfig::new("https://fhir.example.org/r4".parse()?)
///     .authorization(Authorization::Bearer("a-token".into()))
///     .attempt_timeout(Duration::from_secs(5));
/// let fhir = FhirClient::new(config)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct ClientConfig {
    #[doc(hidden)]
    pub base_url: Url,
    pub(crate) fhir_version: Option<FhirVersion>,
    pub(crate) authorization: Authorization,
    #[doc(hidden)]
    pub connection: Connection,
    pub(crate) attempt_timeout: Duration,
    pub(crate) answer_bytes: usize,
    pub(crate) page_limits: PageLimits,
    pub(crate) renewal: Option<Arc<dyn Renewal>>,
}

impl ClientConfig {
    /// Settings for the server at a base URL. The URL is `http` or `https`, without a user, a query or a fragment. A slash at its end does
    /// not matter.
    pub fn new(base_url: Url) -> Self {
        Self {
            base_url,
            fhir_version: None,
            authorization: Authorization::None,
            connection: Connection::default(),
            attempt_timeout: Duration::from_secs(10),
            answer_bytes: 32 * 1024 * 1024,
            page_limits: PageLimits::default(),
            renewal: None,
        }
    }

    /// Names the FHIR version in each request, by `fhirVersion` in its media types
    /// (<https://hl7.org/fhir/R5/http.html#version-parameter>). Use it for a server with several versions under one base URL. By default,
    /// requests name no version.
    pub fn fhir_version(mut self, version: FhirVersion) -> Self {
        self.fhir_version = Some(version);
        self
    }

    /// How to sign in; by default, not at all.
    pub fn authorization(mut self, authorization: Authorization) -> Self {
        self.authorization = authorization;
        self
    }

    /// Reads the sign-in again by `renewal` after the server has refused it.
    #[doc(hidden)]
    pub fn renewal(mut self, renewal: Arc<dyn Renewal>) -> Self {
        self.renewal = Some(renewal);
        self
    }

    /// Trusts one or more root certificates (PEM), in addition to those compiled in.
    ///
    /// # Errors
    /// It contains no certificate, or a certificate that cannot be read.
    pub fn root_certificates_pem(mut self, pem: &[u8]) -> Result<Self, Error> {
        let before = self.connection.extra_roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| Error::invalid("the root certificates are not PEM"))?;
            self = self.root_certificate_der(certificate.to_vec())?;
        }
        if self.connection.extra_roots.len() == before {
            return Err(Error::invalid("there is no root certificate in the PEM text"));
        }
        Ok(self)
    }

    /// Trusts a root certificate (DER), in addition to those compiled in.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn root_certificate_der(mut self, der: impl Into<Vec<u8>>) -> Result<Self, Error> {
        let certificate = CertificateDer::from(der.into());
        RootCertStore::empty()
            .add(certificate.clone())
            .map_err(|_| Error::invalid("a root certificate cannot be read"))?;
        self.connection.extra_roots.push(certificate);
        Ok(self)
    }

    /// Shows a client certificate to a server that asks for one. `certificates` is the certificate, followed by those that lead to its root;
    /// `key` is its private key. Both are PEM.
    ///
    /// # Errors
    /// One of them is missing or cannot be read, or the key does not belong to the certificate.
    pub fn client_certificate_pem(mut self, certificates: &[u8], key: &[u8]) -> Result<Self, Error> {
        let identity = Identity::from_pem(certificates, key).map_err(|unfit| match unfit {
            Unfit::Certificate(_) => Error::invalid("the client certificate cannot be read"),
            Unfit::Key(_) => Error::invalid("the client certificate's key cannot be read, or is another's"),
        })?;
        self.connection.identity = Some(Arc::new(identity));
        Ok(self)
    }

    /// Sends everything, sign-in included, through a proxy. The `http` or `https` URL may contain a user and a password. Loopback and
    /// link-local addresses are reached directly. By default there is no proxy; the environment is not read.
    pub fn proxy(mut self, proxy: Url) -> Self {
        self.connection.proxies = Arc::new(Proxies::all(proxy));
        self
    }

    /// Replaces the whole connection.
    #[doc(hidden)]
    pub fn connection(mut self, connection: Connection) -> Self {
        self.connection = connection;
        self
    }

    /// The longest time of one attempt, connecting and reading included; the default is 10 seconds. Connecting may take half of it.
    pub fn attempt_timeout(mut self, time: Duration) -> Self {
        self.attempt_timeout = time;
        self
    }

    /// The largest body of an answer, in bytes; the default is 32 MiB.
    pub fn max_answer_bytes(mut self, bytes: usize) -> Self {
        self.answer_bytes = bytes;
        self
    }

    /// The limits of every walk over the pages of a search or a history; the default is [`PageLimits::default`]. A walk may have
    /// [its own limits](crate::Search::limits).
    pub fn page_limits(mut self, limits: PageLimits) -> Self {
        self.page_limits = limits;
        self
    }

    /// The token endpoint, if the settings name one.
    #[doc(hidden)]
    pub fn token_url(&self) -> Option<&Url> {
        match &self.authorization {
            Authorization::ClientCredentials(credentials) => Some(&credentials.token_url),
            Authorization::BackendServices(services) => {
                services.token_endpoint.as_ref().map(|endpoint| &endpoint.url)
            }
            _ => None,
        }
    }

    /// Checks the URLs.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !is_plain_http(&self.base_url) {
            return Err(Error::invalid(
                "the base URL must be http or https, without user, query or fragment",
            ));
        }
        if self.token_url().is_some_and(|url| !is_plain(url)) {
            return Err(Error::invalid("the token URL must be http or https, without user or fragment"));
        }
        let Proxies { http, https, .. } = &*self.connection.proxies;
        if http.iter().chain(https).any(|proxy| !is_proxy(proxy)) {
            return Err(Error::invalid("the proxy must be an http or https URL"));
        }
        if self.attempt_timeout.is_zero() {
            return Err(Error::invalid("the time for an attempt must not be zero"));
        }
        Ok(())
    }
}

fn is_plain_http(url: &Url) -> bool {
    is_plain(url) && url.query().is_none()
}

impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An unchecked URL may still contain a password.
        f.debug_struct("ClientConfig")
            .field("host", &self.base_url.host_str())
            .field("path", &self.base_url.path())
            .field("fhir_version", &self.fhir_version)
            .field("authorization", &self.authorization)
            .field("connection", &self.connection)
            .field("attempt_timeout", &self.attempt_timeout)
            .field("answer_bytes", &self.answer_bytes)
            .field("page_limits", &self.page_limits)
            .finish()
    }
}
