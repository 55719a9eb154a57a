//! [`Rejection`]: why a handler's argument could not be had.

use std::borrow::Cow;
use std::panic::Location;

use crate::error::Error;

/// Why an extractor could not give its value.
///
/// What it says in public goes to the caller, and so must quote nothing of the resource; the rest is
/// for the log.
#[derive(Debug)]
pub struct Rejection {
    kind: RejectionKind,
}

#[derive(Debug)]
pub(crate) enum RejectionKind {
    /// The body is not JSON: 400.
    Malformed(Cow<'static, str>),
    /// The body is JSON, but not what belongs there: 422. The text is ours, and quotes nothing.
    Unprocessable(Cow<'static, str>),
    /// The same, in the words of a user's extractor, which stand there.
    Refused(&'static str, &'static Location<'static>),
    /// An extractor of the user's failed.
    Failed(Error),
}

impl Rejection {
    /// The notification is answered `422`, with `text` for the caller: it must quote nothing of the
    /// resource.
    ///
    /// The log says where in the source this stands; and `text`, if `FHIR_SUBSCRIPTION_LOG_ERRORS` lets it quote errors.
    #[must_use]
    #[track_caller]
    pub fn unprocessable(text: &'static str) -> Self {
        Self { kind: RejectionKind::Refused(text, Location::caller()) }
    }

    /// What an extractor of ours says.
    pub(crate) fn of_ours(text: &'static str) -> Self {
        Self { kind: RejectionKind::Unprocessable(text.into()) }
    }

    /// The notification is answered as if the handler had failed with `error`.
    #[must_use]
    pub fn failed(error: Error) -> Self {
        Self { kind: RejectionKind::Failed(error) }
    }

    /// What serde says of a body, less what it quotes of it: kind and position.
    pub(crate) fn json(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let kind = match error.classify() {
            serde_json::error::Category::Data => RejectionKind::Unprocessable(
                format!(
                    "the resource does not have the shape that the handler expects, at line {line}, column {column}"
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

/// What the caller is told of a body or a resource that is no JSON: where, and nothing of what.
pub(crate) fn not_well_formed(what: &str, error: &serde_json::Error) -> String {
    format!("the {what} is not well-formed JSON, at line {}, column {}", error.line(), error.column())
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        Self::failed(error)
    }
}
