//! Why the sandbox refuses a request.

use std::{error::Error, fmt};

use http::StatusCode;
use serde_json::{Value, json};

/// A request that the sandbox refuses: the HTTP status, and a text that names the cause.
///
/// [`Sandbox::create`](super::Sandbox::create) and similar methods return it. Over HTTP, the refusal is an
/// `OperationOutcome` with one issue ([FHIR R4 §3.1.0](https://hl7.org/fhir/R4/http.html)).
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal {
    status: StatusCode,
    code: &'static str,
    text: String,
}

impl Refusal {
    /// The HTTP status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The cause, as a text that names the parameter, element or id, and quotes no resource.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn new(status: StatusCode, code: &'static str, text: impl Into<String>) -> Self {
        Self { status, code, text: text.into() }
    }

    pub(crate) fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", text)
    }

    pub(crate) fn unprocessable(text: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "processing", text)
    }

    pub(crate) fn unknown(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", text)
    }

    pub(crate) fn gone(text: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, "deleted", text)
    }

    pub(crate) fn precondition(text: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "conflict", text)
    }

    /// A feature that the sandbox lacks, in contrast to a mistake of the caller.
    pub(crate) fn unsupported(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "not-supported", text)
    }

    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    pub(crate) fn within(self, place: &str) -> Self {
        Self { text: format!("{place}: {}", self.text), ..self }
    }

    pub(crate) fn outcome(&self) -> Value {
        json!({
            "resourceType": "OperationOutcome",
            "issue": [{ "severity": "error", "code": self.code, "diagnostics": self.text }],
        })
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Refusal({self})")
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.status, self.text)
    }
}

impl Error for Refusal {}
