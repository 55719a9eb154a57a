//! [`Wire`]: a transport that counts what goes over it, and that loses answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::client::transport::{Connection, Limits, Network, Transport, TransportError, TransportErrorKind};

pub(super) struct Wire {
    network: Network,
    calls: AtomicUsize,
    /// How many of the next answers are lost, after the server has done what it was asked.
    lost: AtomicUsize,
}

impl Wire {
    pub(super) fn new() -> Self {
        let network = Network::new(Connection::default(), Duration::from_secs(1));
        Self { network, calls: AtomicUsize::new(0), lost: AtomicUsize::new(0) }
    }

    /// How many calls there were since the last time.
    pub(super) fn count(&self) -> usize {
        self.calls.swap(0, Ordering::Relaxed)
    }

    pub(super) fn lose(&self, answers: usize) {
        self.lost.store(answers, Ordering::Relaxed);
    }
}

impl Transport for Arc<Wire> {
    fn send<'a>(
        &'a self,
        request: http::Request<Bytes>,
        limits: Limits,
    ) -> BoxFuture<'a, Result<http::Response<Bytes>, TransportError>> {
        Box::pin(async move {
            self.calls.fetch_add(1, Ordering::Relaxed);
            let answer = self.network.send(request, limits).await;
            let lost =
                self.lost.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |lost| lost.checked_sub(1));
            match lost {
                Ok(_) => Err(TransportError::new(TransportErrorKind::Broken)),
                Err(_) => answer,
            }
        })
    }
}
