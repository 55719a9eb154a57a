//! [`Refusal`]: why a request is refused. Its answer and its log line are both derived from it.

use std::borrow::Cow;

use http::StatusCode;

use super::answer::{Answer, Said};
use super::{Answered, Record};
use crate::decode::Undecodable;
use crate::delivery::{Failure, Severity};
#[cfg(feature = "token")]
use crate::issuer::Refused;
use crate::metrics::Measure;

/// Why a request is refused.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The secret is missing or wrong.
    Unauthorized,
    /// The access token is not accepted.
    #[cfg(feature = "token")]
    Token(Refused),
    /// The signature of the body is missing or wrong.
    Unsigned,
    MethodNotAllowed {
        /// The allowed methods.
        allow: &'static str,
    },
    UnknownEndpoint,
    /// The path names an endpoint, but no resource below it.
    Misnamed(&'static str),
    /// No handler could be selected for a message.
    #[cfg(feature = "events")]
    Unrouted(&'static str),
    /// The query of a registration has an unknown option.
    UnknownOption,
    /// The query of a sweep has an unknown option.
    UnknownSweepOption,
    /// Pruning needs the admin secret: everybody who can read Subscriptions knows the shared secret, but must not
    /// remove Subscriptions.
    PruneNeedsAdminSecret,
    /// Dead letters need the admin secret, because a request may drop events.
    DeadLettersNeedAdminSecret,
    UnknownDeadLetter,
    /// No handler has the endpoint of the dead letter.
    NoHandler,
    /// The store cannot say what was handled; the text says what to set.
    CannotSweep(&'static str),
    /// The limit, in bytes.
    TooLarge(usize),
    /// The bodies of other requests have taken the memory for all.
    Busy,
    /// The body did not arrive whole.
    BrokenOff,
    /// The body took too long to arrive.
    Late,
    Undecodable(Undecodable),
    StoreUnavailable(Failure),
    /// The queue did not accept the notification.
    #[cfg(feature = "queue")]
    QueueUnavailable(Failure),
}

impl Refusal {
    /// The answer and the log line; `endpoint` is the endpoint of a subscription, or the name of another
    /// route.
    pub(super) fn answered(self, endpoint: Option<&'static str>) -> Answered {
        let severity = self.severity();
        let record = Record::request(endpoint, self.words(), severity);
        let said = self.said();
        let record = match self {
            Self::StoreUnavailable(failure) => record.with_failure(failure),
            #[cfg(feature = "queue")]
            Self::QueueUnavailable(failure) => record.with_failure(failure),
            // A sender that uses a queue gets no answer, and a server may not show the answer. So the log has
            // it.
            Self::Undecodable(_) => record.with_failure(Failure::refused(said.text.clone())),
            #[cfg(feature = "token")]
            Self::Token(refused) => record.with_failure(Failure::of_caller(refused.words())),
            #[cfg(feature = "events")]
            Self::Unrouted(_) => record.with_failure(Failure::refused(said.text.clone())),
            _ => record,
        };
        // The notification will come again.
        let record = match severity {
            Severity::Failed => record.measured(Measure::Failed),
            _ => record,
        };
        Answered { is_done: false, ..Answered::new(Answer::said(said), record) }
    }

    /// The text for the caller.
    fn said(&self) -> Said {
        let invalid = |text: &'static str| Said::unprocessable(text.into());
        let absent =
            |code: &'static str, text: &'static str| Said::new(StatusCode::NOT_FOUND, code, text.into());
        let nobody = |text: &'static str| Said::new(StatusCode::UNAUTHORIZED, "security", text.into());
        match self {
            Self::Unauthorized => nobody("the secret is missing or wrong"),
            #[cfg(feature = "token")]
            Self::Token(Refused::NoKeys) => Said::keys_unavailable(),
            #[cfg(feature = "token")]
            Self::Token(_) => nobody("the access token is missing or wrong"),
            Self::Unsigned => nobody("the signature is missing or wrong"),
            Self::MethodNotAllowed { allow } => Said::method_not_allowed(allow),
            Self::UnknownEndpoint => absent("not-found", "no subscription has this endpoint"),
            Self::UnknownOption => Said::malformed(
                "the query may say `dry-run=true`, `prune=true` and `rewrite=true`, and nothing else".into(),
            ),
            Self::UnknownSweepOption => Said::malformed(
                "the query may say `since`, a FHIR instant such as 2026-01-31T12:00:00Z, and `endpoint`, and nothing else"
                    .into(),
            ),
            Self::PruneNeedsAdminSecret => absent(
                "not-supported",
                "subscriptions are removed only if FHIR_SUBSCRIPTION_ADMIN_SECRET is set",
            ),
            Self::DeadLettersNeedAdminSecret => absent(
                "not-supported",
                "dead letters are shown only if FHIR_SUBSCRIPTION_ADMIN_SECRET is set",
            ),
            Self::UnknownDeadLetter => absent("not-found", "there is no such dead letter"),
            Self::NoHandler => invalid("no handler has the endpoint of the dead letter any more"),
            Self::Misnamed(reason) | Self::CannotSweep(reason) => invalid(reason),
            #[cfg(feature = "events")]
            Self::Unrouted(reason) => invalid(reason),
            Self::TooLarge(limit) => {
                let text = format!("the body has more than {limit} bytes");
                Said::new(StatusCode::PAYLOAD_TOO_LARGE, "too-long", text.into())
            }
            Self::Busy => Said::busy(),
            Self::BrokenOff => Said::malformed("the body did not arrive whole".into()),
            Self::Late => Said::too_late("the event was not processed in time: send the notification again"),
            Self::Undecodable(undecodable) => said_of(undecodable),
            Self::StoreUnavailable(_) => Said::store_unavailable(),
            #[cfg(feature = "queue")]
            Self::QueueUnavailable(_) => Said::store_unavailable(),
        }
    }

    /// The words of the log.
    fn words(&self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            #[cfg(feature = "token")]
            Self::Token(Refused::NoKeys) => "keys unavailable",
            #[cfg(feature = "token")]
            Self::Token(_) => "unauthorized",
            Self::Unsigned => "unsigned",
            Self::MethodNotAllowed { .. } | Self::Undecodable(Undecodable::NamesResource) => {
                "method not allowed"
            }
            Self::UnknownEndpoint
            | Self::PruneNeedsAdminSecret
            | Self::DeadLettersNeedAdminSecret
            | Self::UnknownDeadLetter => "not found",
            Self::UnknownOption | Self::UnknownSweepOption | Self::Undecodable(Undecodable::Malformed(_)) => {
                "malformed"
            }
            Self::NoHandler => "no handler",
            Self::CannotSweep(_) => "refused",
            #[cfg(feature = "events")]
            Self::Unrouted(_) => "not routed",
            Self::TooLarge(_) => "too large",
            Self::Busy => "busy",
            Self::BrokenOff => "broken off",
            Self::Late => "out of time",
            Self::Undecodable(Undecodable::NotJson) => "not JSON",
            Self::Undecodable(Undecodable::Compressed) => "compressed",
            Self::Misnamed(_) | Self::Undecodable(Undecodable::Unprocessable(_)) => "unprocessable",
            Self::Undecodable(Undecodable::TooManyEvents { .. }) => "too many events",
            Self::StoreUnavailable(_) => "store unavailable",
            #[cfg(feature = "queue")]
            Self::QueueUnavailable(_) => "queue unavailable",
        }
    }

    fn severity(&self) -> Severity {
        match self {
            Self::StoreUnavailable(_) => Severity::Failed,
            #[cfg(feature = "queue")]
            Self::QueueUnavailable(_) => Severity::Failed,
            #[cfg(feature = "token")]
            Self::Token(Refused::NoKeys) => Severity::Failed,
            _ => Severity::Refused,
        }
    }
}

/// The answer to a notification that could not be decoded.
fn said_of(undecodable: &Undecodable) -> Said {
    let text = |text: &Cow<'static, str>| text.clone();
    match undecodable {
        Undecodable::NotJson => Said::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-supported",
            "the body must be JSON, by its Content-Type too".into(),
        ),
        // The header tells the sender what to send instead: RFC 9110, section 12.5.3.
        Undecodable::Compressed => Said::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-supported",
            "the body is compressed: send it without a Content-Encoding".into(),
        )
        .with_header("accept-encoding", "identity"),
        Undecodable::NamesResource => Said::method_not_allowed("POST"),
        Undecodable::Malformed(reason) => Said::malformed(text(reason)),
        Undecodable::Unprocessable(reason) => Said::unprocessable(text(reason)),
        Undecodable::TooManyEvents { maximum } => {
            let text = format!(
                "the notification has more than {maximum} events: raise FHIR_SUBSCRIPTION_EVENTS_MAXIMUM, or let the server send \
                 fewer at once"
            );
            Said::unprocessable(text.into())
        }
    }
}
