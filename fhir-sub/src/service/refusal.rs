//! [`Refusal`]: why a request is not done. Its answer and its log line are both derived from it.

use std::borrow::Cow;

use http::StatusCode;

use super::answer::{Answer, Said};
use super::{Answered, Record};
use crate::decode::Undecodable;
use crate::delivery::{Failure, Severity};
#[cfg(feature = "token")]
use crate::issuer::Refused;

/// Why a request is not done.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The secret is missing or wrong.
    Unauthorized,
    /// The access token does not let its caller in.
    #[cfg(feature = "token")]
    Token(Refused),
    /// The signature of the body is missing or wrong.
    Unsigned,
    MethodNotAllowed {
        /// Those that are.
        allow: &'static str,
    },
    UnknownEndpoint,
    /// The path names an endpoint, and below it no resource.
    Misnamed(&'static str),
    /// It cannot be told which handler a message is for.
    #[cfg(feature = "events")]
    Unrouted(&'static str),
    /// The query of a registration says something else.
    UnknownOption,
    /// The query of a sweep says something else.
    UnknownSweepOption,
    /// Who merely reads Subscriptions must not be able to remove them,
    PruneNeedsAdminSecret,
    /// or to take events away.
    DeadLettersNeedAdminSecret,
    UnknownDeadLetter,
    /// No handler has the endpoint of the dead letter.
    NoHandler,
    /// The store cannot tell what was handled; the text says what to set.
    CannotSweep(&'static str),
    /// So many bytes are taken.
    TooLarge(usize),
    /// The body did not arrive whole.
    BrokenOff,
    /// The body took longer than a request may.
    Late,
    Undecodable(Undecodable),
    StoreUnavailable(Failure),
    /// The queue has not taken the notification.
    #[cfg(feature = "queue")]
    QueueUnavailable(Failure),
}

impl Refusal {
    /// What is answered and logged; `endpoint` is that of a subscription, or the name of another route.
    pub(super) fn answered(self, endpoint: Option<&'static str>) -> Answered {
        let record = Record::request(endpoint, self.words(), self.severity());
        let said = self.said();
        let record = match self {
            Self::StoreUnavailable(failure) => record.with_failure(failure),
            #[cfg(feature = "queue")]
            Self::QueueUnavailable(failure) => record.with_failure(failure),
            // Who sends by a queue is told nothing, and a server may not show what it was told.
            Self::Undecodable(_) => record.with_failure(Failure::refused(said.text.clone())),
            #[cfg(feature = "token")]
            Self::Token(refused) => record.with_failure(Failure::of_caller(refused.words())),
            #[cfg(feature = "events")]
            Self::Unrouted(_) => record.with_failure(Failure::refused(said.text.clone())),
            _ => record,
        };
        Answered { is_done: false, ..Answered::new(Answer::said(said), record) }
    }

    /// What the caller is told.
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
            Self::UnknownOption => {
                Said::malformed("the query may say `dry-run=true` and `prune=true`, and nothing else".into())
            }
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
            Self::BrokenOff => Said::malformed("the body did not arrive whole".into()),
            Self::Late => Said::too_late("the event was not processed in time: send the notification again"),
            Self::Undecodable(undecodable) => said_of(undecodable),
            Self::StoreUnavailable(_) => Said::store_unavailable(),
            #[cfg(feature = "queue")]
            Self::QueueUnavailable(_) => Said::store_unavailable(),
        }
    }

    /// What the log says.
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
            Self::BrokenOff => "broken off",
            Self::Late => "out of time",
            Self::Undecodable(Undecodable::NotJson) => "not JSON",
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

/// What the sender of a notification that could not be decoded is told.
fn said_of(undecodable: &Undecodable) -> Said {
    let text = |text: &Cow<'static, str>| text.clone();
    match undecodable {
        Undecodable::NotJson => Said::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-supported",
            "the body must be JSON, by its Content-Type too".into(),
        ),
        Undecodable::NamesResource => Said::method_not_allowed("POST"),
        Undecodable::Malformed(reason) => Said::malformed(text(reason)),
        Undecodable::Unprocessable(reason) => Said::unprocessable(text(reason)),
        Undecodable::TooManyEvents { maximum } => {
            Said::unprocessable(format!("the notification has more than {maximum} events").into())
        }
    }
}
