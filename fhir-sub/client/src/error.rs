//! [`Error`]: the error of a client's call.

use std::fmt;
use std::time::Duration;

use http::{Method, StatusCode};

use crate::failed_entry::FailedEntry;
use crate::fhir::{JsonError, OperationOutcome};
use crate::page_limits::Bound;
use crate::sign_in_error::SignInError;
use crate::transport::{TransportError, TransportErrorKind};

/// The error of every call on a [`FhirClient`](crate::FhirClient).
///
/// Its text names the method, the resource type, the status, the specification's issue codes and their elements:
/// `PUT Encounter/… answered 422 (invalid at Encounter.status)`. You may log it: neither the text nor `Debug` contains an id, a query, a
/// secret, a resource or the server's diagnostics, which may quote patients. The server's own words are in
/// [`operation_outcome`](Error::operation_outcome).
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

/// The kinds of [`Error`].
#[derive(Debug)]
pub(crate) enum Kind {
    /// Refused before anything was sent.
    Invalid(&'static str),
    /// The request's body could not be written.
    Encode(JsonError),
    /// The answer's body could not be read.
    Decode(JsonError),
    /// The answer is not of the requested kind.
    Unexpected(&'static str),
    /// The server answered with another status than 2xx.
    Status { status: StatusCode, outcome: Option<OperationOutcome>, retry_after: Option<Duration> },
    /// The sign-in failed, so there is no access token.
    SignIn(SignInError),
    /// No answer, or an incomplete one.
    Transport(TransportError),
    /// The deadline passed before an answer came.
    Deadline,
    /// The client cannot ask for the next page of a search.
    PageLink(&'static str),
    /// A walk over pages reached one of its limits.
    Bound(Bound),
    /// Entries of a transaction failed, although its answer is 200.
    Entries(Vec<FailedEntry>),
}

impl Error {
    #[cold]
    #[inline(never)]
    pub(crate) fn new(kind: Kind) -> Self {
        Self(Box::new(Inner { method: None, subject: String::new(), attempts: 0, kind }))
    }

    pub(crate) fn invalid(what: &'static str) -> Self {
        Self::new(Kind::Invalid(what))
    }

    /// Adds the request that failed.
    pub(crate) fn of(mut self, method: &Method, subject: &str, attempts: u32) -> Self {
        self.0.method = Some(method.clone());
        subject.clone_into(&mut self.0.subject);
        self.0.attempts = attempts;
        self
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.0.kind
    }

    /// The HTTP status of the FHIR server's answer. `None` if there was no answer, or if only its body was unusable.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match &self.0.kind {
            Kind::Status { status, .. } => Some(status.as_u16()),
            _ => None,
        }
    }

    /// The server's OperationOutcome about the error. Its texts may quote patients.
    #[must_use]
    pub fn operation_outcome(&self) -> Option<&OperationOutcome> {
        match &self.0.kind {
            Kind::Status { outcome, .. } => outcome.as_ref(),
            _ => None,
        }
    }

    /// The failed entries of a transaction that was answered 200; empty for every other error.
    ///
    /// A server that cannot do a transaction as a whole answers so, for example Medplum without its feature `transaction-bundles`. **The
    /// other entries were done.** Undo them, or write the failed entries again.
    #[must_use]
    pub fn failed_entries(&self) -> &[FailedEntry] {
        match &self.0.kind {
            Kind::Entries(entries) => entries,
            _ => &[],
        }
    }

    /// Whether a walk over pages has reached one of its [`PageLimits`](crate::PageLimits).
    #[must_use]
    pub fn is_page_limit(&self) -> bool {
        matches!(self.0.kind, Kind::Bound(_))
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

    /// Whether the write met another write: the version has changed, or a condition matches several resources (409, 412). For a
    /// transaction, whether one of its [`failed_entries`](Error::failed_entries) did.
    ///
    /// If [`attempts`](Error::attempts) is above 1, the other write may be an earlier attempt of this call with a lost answer. Read the
    /// resource and compare before you write again.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        let is_conflict = |status| matches!(status, Some(409 | 412));
        is_conflict(self.status()) || self.failed_entries().iter().any(|entry| is_conflict(entry.status()))
    }

    /// Whether the time of the last attempt, or the deadline, has passed.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match &self.0.kind {
            Kind::Deadline => true,
            Kind::Transport(error) => error.kind == TransportErrorKind::TimedOut || error.connect_timed_out,
            _ => false,
        }
    }

    /// Whether the server, or its token endpoint, refuses the sign-in.
    pub(crate) fn is_refused_sign_in(&self) -> bool {
        match &self.0.kind {
            Kind::Status { status, .. } => *status == StatusCode::UNAUTHORIZED,
            Kind::SignIn(failure) => !failure.transient,
            _ => false,
        }
    }

    /// Whether the answer exceeds its limit.
    pub(crate) fn is_too_large(&self) -> bool {
        matches!(&self.0.kind, Kind::Transport(error) if error.kind == TransportErrorKind::TooLarge)
    }

    /// Whether the same call may succeed later: no answer, a deadline, 408, 425, 429, 500, 502, 503, 504, or a sign-in that failed for such
    /// a reason. For a transaction, whether this is true of all its failed entries.
    ///
    /// The server may still have done the call.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match &self.0.kind {
            Kind::Status { status, .. } => is_transient_status(*status),
            Kind::Transport(error) => error.is_transient(),
            Kind::SignIn(error) => error.transient,
            Kind::Deadline => true,
            Kind::Entries(entries) => {
                let transient = |status| StatusCode::from_u16(status).is_ok_and(is_transient_status);
                entries.iter().all(|entry| entry.status().is_some_and(transient))
            }
            _ => false,
        }
    }

    /// How long the server asked to wait: by `Retry-After` or, with 429, by `RateLimit` and similar headers.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match &self.0.kind {
            Kind::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// How often the client sent the request, or tried to; 0 if it refused the request itself.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }
}

/// The most failed entries in a text.
const ENTRIES: usize = 5;

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
                match outcome.as_ref().map(OperationOutcome::reasons).unwrap_or_default() {
                    reasons if reasons.is_empty() => Ok(()),
                    reasons => write!(f, " ({reasons})"),
                }
            }
            Kind::Bound(bound) => write!(f, "{bound}"),
            Kind::Entries(entries) => {
                write!(f, "{} of its entries failed, although the answer is 200", entries.len())?;
                for (place, entry) in entries.iter().take(ENTRIES).enumerate() {
                    write!(f, "{} {entry}", if place == 0 { ":" } else { ";" })?;
                }
                match entries.len().saturating_sub(ENTRIES) {
                    0 => Ok(()),
                    more => write!(f, "; and {more} more"),
                }
            }
            Kind::SignIn(error) => write!(f, "signing in failed: {error}"),
            Kind::Transport(error) => {
                write!(f, "{error}")?;
                match error.kind {
                    TransportErrorKind::TooLarge => f.write_str(
                        " (`ClientConfig::max_answer_bytes`): ask for fewer or smaller resources, or raise the limit",
                    ),
                    _ => Ok(()),
                }
            }
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
