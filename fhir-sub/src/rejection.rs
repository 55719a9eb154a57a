//! [`Rejection`]: why a handler's argument could not be made.

use std::borrow::Cow;
use std::panic::Location;

use serde::de::IgnoredAny;

use crate::error::Error;

/// Why an extractor could not make its value.
///
/// Its public text goes to the caller, and must not quote the resource. The rest goes to the log.
#[derive(Debug)]
pub struct Rejection {
    kind: RejectionKind,
}

#[derive(Debug)]
pub(crate) enum RejectionKind {
    /// The body is not JSON, or JSON that cannot be read: 400.
    Malformed(Cow<'static, str>),
    /// The body is JSON, but not the right kind: 422. The text is a constant of ours, and quotes nothing.
    Unprocessable(Cow<'static, str>),
    /// A user's extractor refused the event, with this text, at this place.
    Refused(&'static str, &'static Location<'static>),
    /// A user's extractor failed.
    Failed(Error),
}

impl Rejection {
    /// Gives the event up. With a durable store, the event becomes a dead letter; without one, the answer is `422` with
    /// `text`, which must not quote the resource.
    ///
    /// The log has the place of this call. It has `text` too if `FHIR_SUBSCRIPTION_LOG_ERRORS` is `text`.
    #[must_use]
    #[track_caller]
    pub fn unprocessable(text: &'static str) -> Self {
        Self { kind: RejectionKind::Refused(text, Location::caller()) }
    }

    /// A rejection by one of our own extractors.
    pub(crate) fn of_ours(text: &'static str) -> Self {
        Self { kind: RejectionKind::Unprocessable(text.into()) }
    }

    /// Answers the notification as if the handler had failed with `error`.
    #[must_use]
    pub fn failed(error: Error) -> Self {
        Self { kind: RejectionKind::Failed(error) }
    }

    /// serde's error about a resource, reduced to its kind and position, because its message quotes the resource.
    pub(crate) fn json(resource: &str, error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let kind = match error.classify() {
            serde_json::error::Category::Data => RejectionKind::Unprocessable(
                format!(
                    "the resource does not have the shape that the handler expects, at line {line}, column {column}"
                )
                .into(),
            ),
            // serde reports JSON that has no value in Rust as a mistake of syntax.
            _ if serde_json::from_str::<IgnoredAny>(resource).is_ok() => RejectionKind::Malformed(
                format!(
                    "the resource has a number that is too large, half of a surrogate pair, or too many levels, at line {line}, column {column}"
                )
                .into(),
            ),
            _ => RejectionKind::Malformed(not_well_formed("resource", error).into()),
        };
        Self { kind }
    }

    pub(crate) fn into_kind(self) -> RejectionKind {
        self.kind
    }
}

/// The public text about a body or a resource that is not JSON: it has the place, but nothing of the content.
pub(crate) fn not_well_formed(what: &str, error: &serde_json::Error) -> String {
    format!("the {what} is not well-formed JSON, at line {}, column {}", error.line(), error.column())
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        Self::failed(error)
    }
}
