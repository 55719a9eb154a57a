//! How a request gets to a server and an answer back, and nothing else: no sign-in, no retry.

use std::error::Error;
use std::fmt;

use bytes::Bytes;
use futures_core::future::BoxFuture;

pub(crate) use self::connection::Connection;
pub(crate) use self::network::Network;

mod connection;
pub(crate) mod identity;
mod network;
pub(crate) mod proxies;
mod reason;
mod tls;

/// Sends one request and gives back its answer, whatever the status.
///
/// It follows no redirect and repeats nothing. The time limit is the caller's, who drops the future. The network is one
/// implementation; the in-memory server of the tests is the other.
pub(crate) trait Transport: Send + Sync {
    /// Sends a request and reads the whole answer.
    fn send<'a>(
        &'a self,
        request: http::Request<Bytes>,
        limits: Limits,
    ) -> BoxFuture<'a, Result<http::Response<Bytes>, TransportError>>;
}

/// What a transport keeps to while it reads an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The longest body that is read, in bytes.
    pub(crate) answer_bytes: usize,
}

/// Why there is no whole answer.
pub(crate) struct TransportError {
    pub(crate) kind: TransportErrorKind,
    /// Whether it was the time for connecting that ran out.
    pub(crate) connect_timed_out: bool,
    /// Which step failed, and why, where that is known. A constant text: it quotes no host, no name and no content.
    pub(crate) reason: Option<&'static str>,
    /// What lies below. It must carry no URL and no content.
    pub(crate) source: Option<Box<dyn Error + Send + Sync>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransportErrorKind {
    /// The request never left: the name is unknown, the connection refused, or TLS did not come about.
    NotSent,
    /// The connection broke after the request had left, at least in part; the server may have acted on it.
    Broken,
    /// No whole answer came in time; the server may have acted on the request.
    TimedOut,
    /// The answer is longer than the limit.
    TooLarge,
    /// The client itself cannot be made, by its settings.
    Unusable,
}

impl TransportError {
    pub(crate) fn new(kind: TransportErrorKind) -> Self {
        Self { kind, connect_timed_out: false, reason: None, source: None }
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whether a later attempt may get through.
    pub(crate) fn is_transient(&self) -> bool {
        use TransportErrorKind::{Broken, NotSent, TimedOut};
        matches!(self.kind, NotSent | Broken | TimedOut)
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            TransportErrorKind::NotSent if self.connect_timed_out => "connecting to the server took too long",
            TransportErrorKind::NotSent => "no connection to the server",
            TransportErrorKind::Broken => "the connection broke before the whole answer had come",
            TransportErrorKind::TimedOut => "no answer in time",
            TransportErrorKind::TooLarge => "the answer is larger than the limit",
            TransportErrorKind::Unusable => "the HTTP client cannot be set up",
        })?;
        match self.reason {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TransportError({self})")
    }
}
