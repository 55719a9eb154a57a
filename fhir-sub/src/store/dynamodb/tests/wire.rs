//! [`Wire`]: a transport that counts calls, loses answers, and refuses as AWS may and an emulator does not.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::client::transport::{Connection, Limits, Network, Transport, TransportError, TransportErrorKind};

const JSON: &str = "application/x-amz-json-1.0";

pub(super) struct Wire {
    network: Network,
    calls: AtomicUsize,
    /// How many of the next answers are lost after the server has executed the calls.
    lost: AtomicUsize,
    /// How many of the next writes conflict with a transaction, and do not reach the server.
    conflicts: AtomicUsize,
}

impl Wire {
    pub(super) fn new() -> Self {
        let network = Network::new(Connection::default(), Duration::from_secs(1));
        Self {
            network,
            calls: AtomicUsize::new(0),
            lost: AtomicUsize::new(0),
            conflicts: AtomicUsize::new(0),
        }
    }

    /// The number of calls since the last count.
    pub(super) fn count(&self) -> usize {
        self.calls.swap(0, Ordering::Relaxed)
    }

    pub(super) fn conflict(&self, calls: usize) {
        self.conflicts.store(calls, Ordering::Relaxed);
    }

    pub(super) fn lose(&self, answers: usize) {
        self.lost.store(answers, Ordering::Relaxed);
    }
}

impl Transport for Wire {
    fn send<'a>(
        &'a self,
        request: http::Request<Bytes>,
        limits: Limits,
    ) -> BoxFuture<'a, Result<http::Response<Bytes>, TransportError>> {
        Box::pin(async move {
            self.calls.fetch_add(1, Ordering::Relaxed);
            if is_write(&request) && take_one(&self.conflicts) {
                let body = r#"{"__type":"com.amazonaws.dynamodb.v20120810#TransactionConflictException"}"#;
                let answer = http::Response::builder().status(400).header("content-type", JSON);
                return Ok(answer.body(Bytes::from_static(body.as_bytes())).unwrap());
            }
            let answer = self.network.send(request, limits).await;
            if take_one(&self.lost) { Err(TransportError::new(TransportErrorKind::Broken)) } else { answer }
        })
    }
}

/// Whether it is a single write: only single writes are refused because of a transaction.
fn is_write(request: &http::Request<Bytes>) -> bool {
    let target = request.headers()["x-amz-target"].to_str().unwrap();
    ["PutItem", "UpdateItem", "DeleteItem"].iter().any(|operation| target.ends_with(&format!(".{operation}")))
}

/// Takes one, and returns whether one was left.
fn take_one(left: &AtomicUsize) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}
