//! What can go wrong between a client and its server.

use std::fmt;
use std::time::Duration;

use http::{Method, StatusCode};

use crate::client::transport::{TransportError, TransportErrorKind};
use crate::fhir::{JsonError, OperationOutcome};

/// The error of every call on a [`FhirClient`](crate::client::FhirClient).
///
/// Its text names the method, the resource type, the status and the issue codes that the specification knows, as in
/// `PUT Encounter/… answered 422 (invalid)`. It never carries an id, a query, a secret, a resource's content or the
/// server's diagnostics, which quote patients, and neither does `Debug`; so it may be logged. What the server said is
/// in [`operation_outcome`](Error::operation_outcome).
///
/// ```no_run
/// # async fn example(fhir: fhir_sub::client::FhirClient) -> Result<(), fhir_sub::client::Error> {
/// let patient = match fhir.read::<serde_json::Value>("Patient", "1").await {
///     Ok(patient) => Some(patient),
///     Err(error) if error.is_not_found() || error.is_gone() => None,
///     Err(error) => return Err(error),
/// };
/// # Ok(())
/// # }
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    method: Option<Method>,
    subject: String,
    attempts: u32,
    kind: Kind,
}

/// What an [`Error`] is of.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Refused before anything was sent.
    Invalid(&'static str),
    /// The request's body could not be written.
    Encode(JsonError),
    /// The answer's body could not be read.
    Decode(JsonError),
    /// The answer is not what was asked for.
    Unexpected(&'static str),
    /// The server answered with another status than 2xx.
    Status { status: StatusCode, outcome: Option<OperationOutcome>, retry_after: Option<Duration> },
    /// No access token could be had.
    SignIn(SignInError),
    /// No answer, or no whole one.
    Transport(TransportError),
    /// The deadline passed before an answer came.
    Deadline,
    /// The next page of a search cannot be asked for.
    PageLink(&'static str),
}

impl Error {
    pub(crate) fn new(kind: Kind) -> Self {
        Self(Box::new(Inner { method: None, subject: String::new(), attempts: 0, kind }))
    }

    pub(crate) fn invalid(what: &'static str) -> Self {
        Self::new(Kind::Invalid(what))
    }

    /// Says which request it happened to.
    pub(crate) fn of(mut self, method: &Method, subject: &str, attempts: u32) -> Self {
        self.0.method = Some(method.clone());
        subject.clone_into(&mut self.0.subject);
        self.0.attempts = attempts;
        self
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.0.kind
    }

    /// The HTTP status that the FHIR server answered with; `None` where there was no answer, or where it was the
    /// answer's body that could not be used.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match &self.0.kind {
            Kind::Status { status, .. } => Some(status.as_u16()),
            _ => None,
        }
    }

    /// What the server said of the error. Its texts may quote patients.
    #[must_use]
    pub fn operation_outcome(&self) -> Option<&OperationOutcome> {
        match &self.0.kind {
            Kind::Status { outcome, .. } => outcome.as_ref(),
            _ => None,
        }
    }

    /// Whether the server knows no such resource (404).
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Whether the resource was deleted (410).
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.status() == Some(410)
    }

    /// Whether the write met another: the version is no longer the expected one, or a condition matches several
    /// resources (409, 412).
    ///
    /// Where [`attempts`](Error::attempts) is above 1, the other write may have been an earlier attempt of this very
    /// call, whose answer was lost: read the resource and compare before writing again.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self.status(), Some(409 | 412))
    }

    /// Whether time ran out: that of the last attempt, or the deadline.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match &self.0.kind {
            Kind::Deadline => true,
            Kind::Transport(error) => error.kind == TransportErrorKind::TimedOut || error.connect_timed_out,
            _ => false,
        }
    }

    /// Whether the same call may succeed later: no answer, a deadline, 408, 425, 429, 500, 502, 503, 504, or a sign-in
    /// that failed for such a reason.
    ///
    /// It says nothing of whether the server did what it was asked to.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match &self.0.kind {
            Kind::Status { status, .. } => is_transient_status(*status),
            Kind::Transport(error) => error.is_transient(),
            Kind::SignIn(error) => error.transient,
            Kind::Deadline => true,
            _ => false,
        }
    }

    /// How long the server asked to be left alone (`Retry-After`).
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match &self.0.kind {
            Kind::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// How often the request was sent, or tried to; 0 where it was refused before.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }
}

/// A status after which the same request may succeed later.
pub(crate) fn is_transient_status(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { method, subject, kind, .. } = &*self.0;
        if let Some(method) = method {
            write!(f, "{method} {subject}")?;
            f.write_str(if matches!(kind, Kind::Status { .. }) { " " } else { ": " })?;
        }
        match kind {
            Kind::Invalid(what) | Kind::Unexpected(what) | Kind::PageLink(what) => f.write_str(what),
            Kind::Encode(error) => write!(f, "the body could not be written: {error}"),
            Kind::Decode(error) => write!(f, "the answer could not be read: {error}"),
            Kind::Status { status, outcome, .. } => {
                write!(f, "answered {}", status.as_u16())?;
                let codes = outcome.as_ref().map(OperationOutcome::known_codes).unwrap_or_default();
                if !codes.is_empty() {
                    write!(f, " ({})", codes.join(", "))?;
                }
                Ok(())
            }
            Kind::SignIn(error) => write!(f, "signing in failed: {error}"),
            Kind::Transport(error) => write!(f, "{error}"),
            Kind::Deadline => f.write_str("the deadline passed before an answer came"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self}; attempts: {})", self.0.attempts)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.kind {
            Kind::Transport(error) => error.source.as_deref().map(|source| source as _),
            Kind::SignIn(error) => error.source.as_deref().map(|source| source as _),
            _ => None,
        }
    }
}

/// Why no access token could be had.
///
/// It is cloned for every caller who waited for the same token. The source, which a user's own provider may have
/// filled with anything, is shown in no text.
#[derive(Clone)]
pub(crate) struct SignInError {
    pub(crate) text: String,
    pub(crate) transient: bool,
    pub(crate) source: Option<std::sync::Arc<dyn std::error::Error + Send + Sync>>,
}

impl fmt::Display for SignInError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for SignInError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
