//! [`Answer`]: the response to the caller. It helps the caller, and reveals nothing internal.

use std::borrow::Cow;

use http::StatusCode;
use serde_json::{Value, json};

use super::unhandled::Unhandled;
use crate::delivery::{Delivered, Due, End, Notified};

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// `Allow`, `Retry-After` and the like.
    header: Option<(&'static str, &'static str)>,
    content_type: &'static str,
    pub(crate) body: String,
}

/// The answer's issue about a request, or an event, that is not done: an issue of an OperationOutcome, with
/// a code of <https://hl7.org/fhir/R4/valueset-issue-type.html>.
#[derive(Debug)]
pub(super) struct Said {
    status: StatusCode,
    header: Option<(&'static str, &'static str)>,
    pub(super) code: &'static str,
    pub(super) text: Cow<'static, str>,
}

const FHIR_JSON: &str = "application/fhir+json";
const JSON: &str = "application/json";

/// After how many seconds a server should retry.
const RETRY_AFTER: &str = "5";

impl Answer {
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let content_type = (!self.body.is_empty()).then_some(("content-type", self.content_type));
        content_type.into_iter().chain(self.header)
    }

    /// The answer to a notification of events: the answer for the gravest of them. If there are several
    /// events, it has an issue for each one that was not handled.
    pub(super) fn of(notified: &Notified) -> Self {
        let said = notified.gravest().and_then(Said::of);
        match (said, Unhandled::of(notified)) {
            (None, _) => Self::handled(),
            (Some(said), None) => Self::said(said),
            (Some(said), Some(unhandled)) => {
                let body = outcome(unhandled.issues());
                Self { body, ..Self::said(said) }
            }
        }
    }

    /// 204 without a body: the only answer that every server accepts as success.
    pub(super) fn handled() -> Self {
        Self::json(StatusCode::NO_CONTENT, String::new())
    }

    /// 200 without a body, for a notification without events. IHE's DSUBm requires exactly that. A server
    /// that tests a subscriber with a handshake may send no events after any other status.
    pub(super) fn acknowledged() -> Self {
        Self::json(StatusCode::OK, String::new())
    }

    /// A JSON body that is not a FHIR resource.
    pub(super) fn json(status: StatusCode, body: String) -> Self {
        Self { status, header: None, content_type: JSON, body }
    }

    /// A text of another media type.
    #[cfg(feature = "local")]
    pub(super) fn text(status: StatusCode, content_type: &'static str, body: String) -> Self {
        Self { status, header: None, content_type, body }
    }

    /// An OperationOutcome with one issue.
    pub(super) fn said(Said { status, header, code, text }: Said) -> Self {
        let body = outcome([(code, text, None)]);
        Self { status, header, content_type: FHIR_JSON, body }
    }
}

impl Said {
    /// The answer's issue about an event; `None` if the sender has nothing to do.
    pub(super) fn of(delivered: &Delivered) -> Option<Self> {
        if delivered.due() == Due::Nothing {
            return None;
        }
        let failed = "the event was not processed: send the notification again";
        let late = "the event was not processed in time: send the notification again";
        let unread = "the resource could not be read from the FHIR server: send the notification again";
        let unconfirmed = "the FHIR server does not confirm the deletion: send the notification again";
        let under_way = "the event is being processed: send the notification again to learn how that ended";
        Some(match &delivered.end {
            End::Handled
            | End::Repeated
            | End::Superseded
            | End::NotWanted
            | End::Gone
            | End::LookedUp
            | End::NothingFound => return None,
            End::Malformed(text) => Self::malformed(text.clone()),
            End::Unprocessable(text) => Self::unprocessable(text.clone()),
            End::Rejected(text, _) => Self::unprocessable((*text).into()),
            End::Elsewhere(_) => {
                let text =
                    "the event is about a resource of another FHIR server, which the program does not read";
                Self::unprocessable(text.into())
            }
            End::FailedForGood(_) => {
                let text = "the event cannot be processed";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "processing", text.into())
            }
            End::Failed(_) | End::Died | End::Panicked => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "exception", failed.into())
            }
            End::NotBegun | End::OutOfTime => Self::too_late(late),
            End::Unread(_) | End::NotAllFound => Self::unavailable("transient", unread),
            // The server may lag behind, so nothing is given up.
            End::Unconfirmed => Self::unavailable("transient", unconfirmed),
            End::UnderWay => Self::unavailable("conflict", under_way),
            End::StoreUnavailable(_) => Self::store_unavailable(),
        })
    }

    pub(super) fn new(status: StatusCode, code: &'static str, text: Cow<'static, str>) -> Self {
        Self { status, header: None, code, text }
    }

    pub(super) fn malformed(text: Cow<'static, str>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "structure", text)
    }

    pub(super) fn unprocessable(text: Cow<'static, str>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", text)
    }

    pub(super) fn method_not_allowed(allow: &'static str) -> Self {
        let text = "the method is not one of those allowed";
        let said = Self::new(StatusCode::METHOD_NOT_ALLOWED, "not-supported", text.into());
        Self { header: Some(("allow", allow)), ..said }
    }

    pub(super) fn with_header(self, name: &'static str, value: &'static str) -> Self {
        Self { header: Some((name, value)), ..self }
    }

    pub(super) fn failed(text: &'static str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "exception", text.into())
    }

    pub(super) fn too_late(text: &'static str) -> Self {
        Self::unavailable("timeout", text)
    }

    pub(super) fn store_unavailable() -> Self {
        Self::unavailable("transient", "the event was not processed: send the notification again")
    }

    pub(super) fn busy() -> Self {
        Self::unavailable("throttled", "too much is being received: send the notification again")
    }

    #[cfg(feature = "token")]
    pub(super) fn keys_unavailable() -> Self {
        Self::unavailable("transient", "the access token could not be checked: send the notification again")
    }

    fn unavailable(code: &'static str, text: &'static str) -> Self {
        let said = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, text.into());
        Self { header: Some(("retry-after", RETRY_AFTER)), ..said }
    }
}

/// An issue: its code, its text, and the event that it is about, if the answer names it.
pub(super) type Issue = (&'static str, Cow<'static, str>, Option<String>);

fn outcome(issues: impl IntoIterator<Item = Issue>) -> String {
    let issue = |(code, text, about): Issue| {
        let mut issue = json!({ "severity": "error", "code": code, "details": { "text": text } });
        if let Some(about) = about {
            issue["diagnostics"] = Value::String(about);
        }
        issue
    };
    let issues: Vec<_> = issues.into_iter().map(issue).collect();
    json!({ "resourceType": "OperationOutcome", "issue": issues }).to_string()
}

#[cfg(test)]
mod tests;
