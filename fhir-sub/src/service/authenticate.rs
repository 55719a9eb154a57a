//! Authenticates the caller, and the author of the body. Each file has one way to authenticate; any
//! configured way is enough.

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
    /// It may register, and do everything else that changes the server.
    pub(super) administers: bool,
    pub(super) owes: Owed,
}

/// The signature that a caller must still show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owed {
    Nothing,
    /// The FHIR server's own signature, beside the secret that the caller has shown.
    Signature,
    /// The FHIR server's own signature. The caller has shown nothing else.
    SignatureAlone,
    /// A WebSub signature. The caller has shown nothing else.
    HubSignature,
}

impl Owed {
    /// Whether the caller is a stranger until the signature is checked.
    pub(crate) fn is_all(self) -> bool {
        matches!(self, Self::SignatureAlone | Self::HubSignature)
    }
}

/// The result of checking the secret header.
pub(super) enum Shown {
    Right(Caller),
    Wrong,
    /// The header is absent.
    Nothing,
}

/// A caller that may send notifications, and do nothing else.
pub(super) const NOTIFIER: Caller = Caller { notifies: true, administers: false, owes: Owed::Nothing };

/// Checks a wrong secret against secrets that are read again, because it may be new since a rotation. `seen` is the app
/// that has refused the secret.
pub(super) async fn rotated(
    app: &App,
    seen: &App,
    head: &Head<'_>,
    deadline: Deadline,
) -> Result<Caller, Refusal> {
    // Prometheus writes a scheme before the admin secret, which may have none.
    #[cfg(feature = "local")]
    if seen.settings().header == http::header::AUTHORIZATION
        && seen.counters().is_some()
        && super::route::is_metrics(head)
    {
        return header::scraper(seen, head.headers, deadline).await;
    }
    let newer = app.renewed(seen, deadline).await.ok_or(Refusal::Unauthorized)?;
    match by_header(newer.settings(), head.headers) {
        Shown::Right(caller) => Ok(caller),
        Shown::Wrong | Shown::Nothing => Err(Refusal::Unauthorized),
    }
}

/// Authenticates a caller without the secret header, in the other configured ways.
pub(super) async fn otherwise(app: &App, head: &Head<'_>, deadline: Deadline) -> Result<Caller, Refusal> {
    #[cfg(feature = "local")]
    if app.counters().is_some() && super::route::is_metrics(head) {
        return header::scraper(app, head.headers, deadline).await;
    }
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
    signature::unproven(settings, head.headers).unwrap_or(Err(refusal))
}

#[cfg(test)]
mod tests;
