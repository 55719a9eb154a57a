//! Sends a request to a server and returns the answer, without sign-in and retries.

use std::error::Error;
use std::fmt;

use bytes::Bytes;
use futures_core::future::BoxFuture;

#[doc(hidden)]
pub use self::connection::Connection;
#[doc(hidden)]
pub use self::network::Network;

mod connection;
#[doc(hidden)]
pub mod identity;
mod network;
#[doc(hidden)]
pub mod proxies;
mod reason;
mod tls;

/// Sends one request, and returns its answer, whatever the status.
///
/// It follows no redirect and repeats nothing. The caller limits the time: it drops the future. The network
/// is one implementation, and the sandbox of the tests is another.
#[doc(hidden)]
pub trait Transport: Send + Sync {
    /// Sends a request and reads the whole answer.
    fn send<'a>(
        &'a self,
        request: http::Request<Bytes>,
        limits: Limits,
    ) -> BoxFuture<'a, Result<http::Response<Bytes>, TransportError>>;
}

/// The limits of a transport while it reads an answer.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub struct Limits {
    /// The longest body that it reads, in bytes.
    #[doc(hidden)]
    pub answer_bytes: usize,
}

/// Why there is no complete answer.
#[doc(hidden)]
pub struct TransportError {
    #[doc(hidden)]
    pub kind: TransportErrorKind,
    /// Whether the time for connecting ran out.
    #[doc(hidden)]
    pub connect_timed_out: bool,
    /// The failed step and its cause, if known. This text is constant: it quotes no host, name or content.
    #[doc(hidden)]
    pub reason: Option<&'static str>,
    /// The underlying error. It must contain no URL and no content.
    #[doc(hidden)]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub enum TransportErrorKind {
    /// The request was never sent: the name is unknown, the connection was refused, or the TLS handshake
    /// failed.
    NotSent,
    /// The connection broke after at least a part of the request was sent. The server may have acted on it.
    Broken,
    /// No complete answer came in time. The server may have acted on the request.
    TimedOut,
    /// The answer is longer than the limit.
    TooLarge,
    /// The settings do not allow to make a client.
    Unusable,
}

impl TransportError {
    #[doc(hidden)]
    pub fn new(kind: TransportErrorKind) -> Self {
        Self { kind, connect_timed_out: false, reason: None, source: None }
    }

    #[doc(hidden)]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whether a later attempt may succeed.
    #[doc(hidden)]
    pub fn is_transient(&self) -> bool {
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
