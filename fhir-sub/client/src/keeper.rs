//! [`Keeper`]: the sign-in of a client, which may change once the server has refused it.

use std::sync::{Arc, PoisonError, RwLock};

use futures_core::future::BoxFuture;
use url::Url;

use crate::authorization::Authorization;
use crate::deadline::Deadline;
use crate::exchange::SignIn;

/// Reads the sign-in again after the server has refused it.
pub trait Renewal: Send + Sync {
    /// The sign-in that is newer than version `seen`, and its version. `None` if there is no newer one, or if it cannot
    /// be read now. The first version is 0.
    fn renewed(&self, seen: u64, deadline: Option<Deadline>) -> BoxFuture<'_, Option<(u64, Authorization)>>;
}

/// The sign-in of a client.
pub(crate) struct Keeper {
    current: RwLock<Current>,
    renewal: Option<Arc<dyn Renewal>>,
    /// The server's base URL. The clients that share the sign-in may have a base URL below it.
    base_url: Url,
}

#[derive(Clone)]
pub(crate) struct Current {
    pub(crate) version: u64,
    pub(crate) sign_in: Arc<SignIn>,
}

impl Keeper {
    pub(crate) fn new(sign_in: SignIn, renewal: Option<Arc<dyn Renewal>>, base_url: Url) -> Self {
        Self { current: RwLock::new(Current { version: 0, sign_in: Arc::new(sign_in) }), renewal, base_url }
    }

    pub(crate) fn base_url(&self) -> &Url {
        &self.base_url
    }

    pub(crate) fn current(&self) -> Current {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the sign-in can be read again.
    pub(crate) fn can_renew(&self) -> bool {
        self.renewal.is_some()
    }

    /// A sign-in that is newer than version `seen`, or `None`. `made` makes it from the values that were read.
    pub(crate) async fn renewed(
        &self,
        seen: u64,
        deadline: Option<Deadline>,
        made: impl FnOnce(Authorization) -> Option<SignIn>,
    ) -> Option<Arc<SignIn>> {
        let (version, authorization) = self.renewal.as_ref()?.renewed(seen, deadline).await?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.version < version {
            *current = Current { version, sign_in: Arc::new(made(authorization)?) };
        }
        Some(Arc::clone(&current.sign_in))
    }
}
