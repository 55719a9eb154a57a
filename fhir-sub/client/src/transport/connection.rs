//! [`Connection`]: how the client reaches servers.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;

use crate::transport::identity::Identity;
use crate::transport::proxies::Proxies;

/// How the client reaches servers: the trusted roots, the client certificate and the proxies. `Debug` shows
/// no secret.
#[derive(Clone, Default)]
#[doc(hidden)]
pub struct Connection {
    /// Root certificates in addition to those compiled in.
    #[doc(hidden)]
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// The certificate for a server that asks for one.
    #[doc(hidden)]
    pub identity: Option<Arc<Identity>>,
    #[doc(hidden)]
    pub proxies: Arc<Proxies>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("extra_roots", &self.extra_roots.len())
            .field("identity", &self.identity.is_some())
            .field("proxies", &self.proxies)
            .finish()
    }
}
