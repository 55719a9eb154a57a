//! The caller, and the writer of the body. One way of showing it a file; one of those that are configured is enough.

mod certificate;
mod header;
mod signature;
#[cfg(feature = "token")]
mod token;

pub(super) use header::authenticate as by_header;
pub(super) use signature::is_signed;

use super::refusal::Refusal;
use crate::app::App;
use crate::deadline::Deadline;
use crate::request::Head;

/// The rights that a caller has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// It may send notifications.
    pub(super) notifies: bool,
    /// It may register, and whatever else changes what the server has.
    pub(super) administers: bool,
    pub(super) owes: Owed,
    /// It is a stranger until what it owes is found to be right.
    pub(super) is_unproven: bool,
}

/// The signature of the body that a caller owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owed {
    Nothing,
    /// The FHIR server's own.
    Signature,
    /// WebSub's.
    HubSignature,
}

/// The result of looking for a secret in its header.
pub(super) enum Shown {
    Right(Caller),
    Wrong,
    /// The header is not there.
    Nothing,
}

/// A caller that may send notifications, and do nothing else.
const NOTIFIER: Caller =
    Caller { notifies: true, administers: false, owes: Owed::Nothing, is_unproven: false };

/// The caller, of whom the header of the secret shows nothing.
#[allow(clippy::unused_async, reason = "only an access token is waited for")]
pub(super) async fn otherwise(app: &App, head: &Head<'_>, deadline: Deadline) -> Result<Caller, Refusal> {
    let settings = app.settings();
    if certificate::is_known(settings, head.headers) {
        return Ok(NOTIFIER);
    }
    #[cfg(feature = "token")]
    let refusal = match token::check(app, head.headers, deadline).await {
        Ok(()) => return Ok(NOTIFIER),
        Err(refusal) => refusal,
    };
    #[cfg(not(feature = "token"))]
    let (refusal, _) = (Refusal::Unauthorized, deadline);
    signature::unproven(settings, head.headers).ok_or(refusal)
}

#[cfg(test)]
mod tests;
