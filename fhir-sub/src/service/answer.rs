//! [`Answer`]: what the caller gets.

use http::StatusCode;
use serde_json::{Value, json};

use super::unhandled::Said;

/// A response. Its text helps the caller and tells nothing about the inside.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// `Allow`, `Retry-After` and the like.
    header: Option<(&'static str, &'static str)>,
    content_type: &'static str,
    pub(crate) body: String,
    /// What the body says, where it is an OperationOutcome.
    said: Option<Said>,
}

const FHIR_JSON: &str = "application/fhir+json";
const JSON: &str = "application/json";

/// When a server should try again, in seconds.
const RETRY_AFTER: &str = "5";

impl Answer {
    /// Every header of the answer.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let content_type = (!self.body.is_empty()).then_some(("content-type", self.content_type));
        content_type.into_iter().chain(self.header)
    }

    /// 204 without a body: the one answer that every server takes as success.
    pub(crate) fn handled() -> Self {
        Self::json(StatusCode::NO_CONTENT, String::new())
    }

    /// 200 without a body, for a notification of no event. IHE's DSUBm asks for exactly that, and a server that tries a
    /// subscriber with a handshake may send no event after any other status.
    pub(crate) fn acknowledged() -> Self {
        Self::json(StatusCode::OK, String::new())
    }

    pub(crate) fn healthy() -> Self {
        Self::json(StatusCode::OK, json!({ "status": "ok" }).to_string())
    }

    /// A JSON body that is no FHIR resource.
    pub(crate) fn json(status: StatusCode, body: String) -> Self {
        Self { status, header: None, content_type: JSON, body, said: None }
    }

    pub(crate) fn unauthorized() -> Self {
        Self::outcome(StatusCode::UNAUTHORIZED, "security", "the secret is missing or wrong")
    }

    pub(crate) fn unsigned() -> Self {
        Self::outcome(StatusCode::UNAUTHORIZED, "security", "the signature is missing or wrong")
    }

    pub(crate) fn unknown_endpoint() -> Self {
        Self::outcome(StatusCode::NOT_FOUND, "not-found", "no subscription has this endpoint")
    }

    pub(crate) fn prune_needs_admin_secret() -> Self {
        Self::outcome(
            StatusCode::NOT_FOUND,
            "not-supported",
            "subscriptions are removed only where FHIR_SUBSCRIPTION_ADMIN_SECRET is set",
        )
    }

    pub(crate) fn dead_letters_need_admin_secret() -> Self {
        Self::outcome(
            StatusCode::NOT_FOUND,
            "not-supported",
            "dead letters are told of only where FHIR_SUBSCRIPTION_ADMIN_SECRET is set",
        )
    }

    pub(crate) fn unknown_dead_letter() -> Self {
        Self::outcome(StatusCode::NOT_FOUND, "not-found", "there is no such dead letter")
    }

    pub(crate) fn no_handler() -> Self {
        Self::unprocessable("no handler has the endpoint of the dead letter any more")
    }

    pub(crate) fn unknown_option() -> Self {
        Self::malformed("the query may say `dry-run=true` and `prune=true`, and nothing else")
    }

    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        let answer = Self::outcome(
            StatusCode::METHOD_NOT_ALLOWED,
            "not-supported",
            "the method is not one of those allowed",
        );
        Self { header: Some(("allow", allow)), ..answer }
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        Self::outcome(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-long",
            &format!("the body has more than {limit} bytes"),
        )
    }

    pub(crate) fn not_json() -> Self {
        Self::outcome(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-supported",
            "the body must be JSON, by its Content-Type too",
        )
    }

    pub(crate) fn malformed(text: &str) -> Self {
        Self::outcome(StatusCode::BAD_REQUEST, "structure", text)
    }

    pub(crate) fn unprocessable(text: &str) -> Self {
        Self::outcome(StatusCode::UNPROCESSABLE_ENTITY, "invalid", text)
    }

    /// The handler says that no other try can succeed.
    pub(crate) fn permanent() -> Self {
        Self::outcome(StatusCode::UNPROCESSABLE_ENTITY, "processing", "the event cannot be processed")
    }

    /// The handler failed, and another try may succeed.
    pub(crate) fn failed() -> Self {
        Self::outcome(
            StatusCode::INTERNAL_SERVER_ERROR,
            "exception",
            "the event was not processed: send the notification again",
        )
    }

    /// The resource could not be read, and another try may succeed.
    pub(crate) fn unread() -> Self {
        Self::unavailable(
            "transient",
            "the resource could not be read from the FHIR server: send the notification again",
        )
    }

    /// The server still has what is said to be deleted. It may lag behind, so nothing is given up.
    pub(crate) fn unconfirmed() -> Self {
        Self::unavailable(
            "transient",
            "the FHIR server does not confirm the deletion: send the notification again",
        )
    }

    /// Another is at it: whoever sends it again learns how that ended.
    pub(crate) fn under_way() -> Self {
        Self::unavailable(
            "conflict",
            "the event is being processed: send the notification again to learn how that ended",
        )
    }

    /// It cannot be told whether it was handled before, and so it is not.
    pub(crate) fn store_unavailable() -> Self {
        Self::unavailable("transient", "the event was not processed: send the notification again")
    }

    pub(crate) fn out_of_time() -> Self {
        Self::too_late("the event was not processed in time: send the notification again")
    }

    /// Of the answers to several events the gravest is given: one that makes the server send again, else a refusal.
    pub(crate) fn gravity(&self) -> u16 {
        self.status.as_u16() / 100
    }

    /// Whether it makes the server send the notification again.
    pub(crate) fn asks_for_another_try(&self) -> bool {
        self.status.is_server_error()
    }

    pub(crate) fn registration_failed() -> Self {
        let text = "the registration broke off: see the program's log";
        Self::outcome(StatusCode::INTERNAL_SERVER_ERROR, "exception", text)
    }

    pub(crate) fn registration_out_of_time() -> Self {
        Self::too_late("the registration did not end in time: ask for it again")
    }

    pub(crate) fn unknown_sweep_option() -> Self {
        Self::malformed(
            "the query may say `since`, a FHIR instant such as 2026-01-31T12:00:00Z, and `endpoint`, and nothing else",
        )
    }

    pub(crate) fn sweep_failed() -> Self {
        let text = "the sweep broke off: see the program's log";
        Self::outcome(StatusCode::INTERNAL_SERVER_ERROR, "exception", text)
    }

    pub(crate) fn sweep_out_of_time() -> Self {
        Self::too_late("the sweep did not end in time: ask for it again, it goes on where it has come to")
    }

    pub(crate) fn status_failed() -> Self {
        let text = "the status could not be told: see the program's log";
        Self::outcome(StatusCode::INTERNAL_SERVER_ERROR, "exception", text)
    }

    pub(crate) fn status_out_of_time() -> Self {
        Self::too_late("the status was not known in time: ask for it again")
    }

    fn too_late(text: &str) -> Self {
        Self::unavailable("timeout", text)
    }

    fn unavailable(code: &'static str, text: &str) -> Self {
        let answer = Self::outcome(StatusCode::SERVICE_UNAVAILABLE, code, text);
        Self { header: Some(("retry-after", RETRY_AFTER)), ..answer }
    }

    /// An OperationOutcome with one issue, of a code of
    /// <https://hl7.org/fhir/R4/valueset-issue-type.html>.
    fn outcome(status: StatusCode, code: &'static str, text: &str) -> Self {
        let said = (code, text.to_owned());
        let body = outcome([(said.clone(), None)]);
        Self { status, header: None, content_type: FHIR_JSON, body, said: Some(said) }
    }

    /// What it says of the event that was not handled; `None` where it was.
    pub(crate) fn said(&self) -> Option<&Said> {
        self.said.as_ref()
    }

    /// The same with these issues, each with what it is about, if that is said.
    pub(crate) fn with_issues(self, issues: impl IntoIterator<Item = (Said, Option<String>)>) -> Self {
        Self { body: outcome(issues), content_type: FHIR_JSON, ..self }
    }
}

fn outcome(issues: impl IntoIterator<Item = (Said, Option<String>)>) -> String {
    let issue = |((code, text), about): (Said, Option<String>)| {
        let mut issue = json!({ "severity": "error", "code": code, "details": { "text": text } });
        if let Some(about) = about {
            issue["diagnostics"] = Value::String(about);
        }
        issue
    };
    let issues: Vec<_> = issues.into_iter().map(issue).collect();
    json!({ "resourceType": "OperationOutcome", "issue": issues }).to_string()
}
