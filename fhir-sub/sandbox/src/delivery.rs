//! How a notification leaves the sandbox, and the record of it.

use std::{error::Error, fmt, pin::Pin, sync::Arc};

use bytes::Bytes;
use http::{Method, Request, StatusCode};

/// A boxed future, as [`Deliver::deliver`] returns it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Carries a notification to its endpoint.
///
/// The sandbox itself opens no connection. In a test, the implementation passes the request to the program
/// under test; in a local run, it sends the request over HTTP. A function from a request to a future is an
/// implementation:
///
/// ```
/// use fhir_sub::sandbox::{DeliveryError, Sandbox};
/// use http::StatusCode;
///
/// let sandbox = Sandbox::builder().build(|notification: http::Request<bytes::Bytes>| async move {
///     assert_eq!(notification.method(), "PUT");
///     Ok::<_, DeliveryError>(StatusCode::NO_CONTENT)
/// });
/// # let _ = sandbox;
/// ```
pub trait Deliver: Send + Sync {
    /// Sends the request, whose URI is absolute, and returns the status of the answer.
    ///
    /// The sandbox treats an error or a panic as a server treats a refused connection: it retries.
    fn deliver(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<StatusCode, DeliveryError>>;
}

impl<F, Answer> Deliver for F
where
    F: Fn(Request<Bytes>) -> Answer + Send + Sync,
    Answer: Future<Output = Result<StatusCode, DeliveryError>> + Send + 'static,
{
    fn deliver(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<StatusCode, DeliveryError>> {
        Box::pin(self(request))
    }
}

impl Deliver for Arc<dyn Deliver> {
    fn deliver(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<StatusCode, DeliveryError>> {
        (**self).deliver(request)
    }
}

/// A notification that did not reach the endpoint.
#[derive(Debug)]
pub struct DeliveryError(Box<dyn Error + Send + Sync>);

impl DeliveryError {
    /// Wraps the cause: an error, or a text.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

impl fmt::Display for DeliveryError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the notification reached nobody")
    }
}

impl Error for DeliveryError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

/// One attempt at a notification, as [`Sandbox::deliveries`](super::Sandbox::deliveries) lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// The id of the `Subscription`.
    pub subscription: String,
    /// `PUT`, `POST` or `DELETE`.
    pub method: Method,
    /// The path that was called, without host and query.
    pub path: String,
    /// Counted from 1.
    pub attempt: u32,
    /// How it ended.
    pub outcome: DeliveryOutcome,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryOutcome {
    /// The endpoint's answer counts as success with the imitated server.
    Delivered(StatusCode),
    /// The endpoint's answer does not count as success.
    Rejected(StatusCode),
    /// There was no answer, or none within 10 s (HAPI), 120 s (Medplum), 30 s or the Subscription's `timeout` (generic).
    Unreachable,
    /// It was not sent. The subscription is gone or no longer active (generic, Medplum), or the resource was deleted or
    /// changed meanwhile (Medplum).
    Dropped,
}
