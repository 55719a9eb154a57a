//! [`Connection`]: how servers are reached, beside their URL.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;

use crate::client::transport::identity::Identity;
use crate::client::transport::proxies::Proxies;

/// How servers are reached: whom to trust, who to be, and through which proxy. `Debug` shows no secret.
#[derive(Clone, Default)]
pub(crate) struct Connection {
    /// Root certificates beside those that are compiled in.
    pub(crate) extra_roots: Vec<CertificateDer<'static>>,
    /// The certificate that is shown to a server that asks for one.
    pub(crate) identity: Option<Arc<Identity>>,
    pub(crate) proxies: Arc<Proxies>,
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
