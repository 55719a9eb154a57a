//! The settings of a client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use url::Url;

use crate::client::authorization::Authorization;
use crate::client::discovery::is_plain;
use crate::client::error::Error;
use crate::client::page_limits::PageLimits;
use crate::client::transport::Connection;
use crate::client::transport::identity::{Identity, Unfit};
use crate::client::transport::proxies::{Proxies, is_proxy};
use crate::fhir::FhirVersion;

/// The settings of a [`FhirClient`](crate::client::FhirClient).
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
    pub(crate) base_url: Url,
    pub(crate) fhir_version: Option<FhirVersion>,
    pub(crate) authorization: Authorization,
    pub(crate) connection: Connection,
    pub(crate) attempt_timeout: Duration,
    pub(crate) answer_bytes: usize,
    pub(crate) page_limits: PageLimits,
}

impl ClientConfig {
    /// Settings for the server at a base URL: `http` or `https`, no user, query or fragment in it; a slash at the end
    /// makes no difference.
    pub fn new(base_url: Url) -> Self {
        Self {
            base_url,
            fhir_version: None,
            authorization: Authorization::None,
            connection: Connection::default(),
            attempt_timeout: Duration::from_secs(10),
            answer_bytes: 32 * 1024 * 1024,
            page_limits: PageLimits::default(),
        }
    }

    /// Says with each request which version of FHIR is meant, by `fhirVersion` in its media types
    /// (<https://hl7.org/fhir/R5/http.html#version-parameter>): for a server that holds several under one base URL. Not
    /// said unless set.
    pub fn fhir_version(mut self, version: FhirVersion) -> Self {
        self.fhir_version = Some(version);
        self
    }

    /// How to sign in; not at all unless set.
    pub fn authorization(mut self, authorization: Authorization) -> Self {
        self.authorization = authorization;
        self
    }

    /// Trusts further root certificates, PEM-encoded, one or several, beside those compiled in.
    ///
    /// # Errors
    /// There is no certificate in it, or one that cannot be read.
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

    /// Trusts a further root certificate, DER-encoded, beside those compiled in.
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

    /// Shows a client certificate to a server that asks for one: the certificate, with those that lead to its root behind
    /// it, and its private key, both as PEM.
    ///
    /// # Errors
    /// One of them is missing or cannot be read, or the key is that of another certificate.
    pub fn client_certificate_pem(mut self, certificates: &[u8], key: &[u8]) -> Result<Self, Error> {
        let identity = Identity::from_pem(certificates, key).map_err(|unfit| match unfit {
            Unfit::Certificate(_) => Error::invalid("the client certificate cannot be read"),
            Unfit::Key(_) => Error::invalid("the client certificate's key cannot be read, or is another's"),
        })?;
        self.connection.identity = Some(Arc::new(identity));
        Ok(self)
    }

    /// Sends everything, sign-in included, through a proxy: an `http` or `https` URL, in which a user and password may
    /// stand. Loopback and link-local addresses are reached without. None unless set; the environment is not asked.
    pub fn proxy(mut self, proxy: Url) -> Self {
        self.connection.proxies = Arc::new(Proxies::all(proxy));
        self
    }

    /// Reaches the server in this way, instead of whatever was said before.
    pub(crate) fn connection(mut self, connection: Connection) -> Self {
        self.connection = connection;
        self
    }

    /// The longest that one attempt may take, connecting and reading included; 10 seconds unless set. Half of it is
    /// allowed for connecting.
    pub fn attempt_timeout(mut self, time: Duration) -> Self {
        self.attempt_timeout = time;
        self
    }

    /// The longest body that is read of an answer, in bytes; 32 MiB unless set.
    pub fn max_answer_bytes(mut self, bytes: usize) -> Self {
        self.answer_bytes = bytes;
        self
    }

    /// What bounds every walk over the pages of a search or a history; [`PageLimits::default`] unless set. A walk may have
    /// [its own](crate::client::Search::limits).
    pub fn page_limits(mut self, limits: PageLimits) -> Self {
        self.page_limits = limits;
        self
    }

    /// Says what is wrong with the URLs.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !is_plain_http(&self.base_url) {
            return Err(Error::invalid(
                "the base URL must be http or https, without user, query or fragment",
            ));
        }
        let token_url = match &self.authorization {
            Authorization::ClientCredentials(credentials) => Some(&credentials.token_url),
            Authorization::BackendServices(services) => {
                services.token_endpoint.as_ref().map(|endpoint| &endpoint.url)
            }
            _ => None,
        };
        if token_url.is_some_and(|url| !is_plain(url)) {
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
        // A URL that has not been checked yet may still carry a password.
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
