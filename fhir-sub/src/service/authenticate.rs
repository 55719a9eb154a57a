//! Who calls, and who wrote the body.

use subtle::Choice;

use crate::request::{Header, Headers};
use crate::server::Shows;
use crate::settings::{Secrets, Settings, Signing};

/// What a caller showed that it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// It may send notifications.
    pub(super) notifies: bool,
    /// It may register, and whatever else changes what the server has.
    pub(super) administers: bool,
    /// It is a stranger until the signature of the body is found to be right.
    pub(super) is_unproven: bool,
}

/// What the caller may do; `None` for a stranger, who may do nothing.
pub(super) fn authenticate(settings: &Settings, headers: &dyn Headers) -> Option<Caller> {
    // A header sent twice is nobody's: which of the two a proxy before us looked at cannot be known.
    let shown = match headers.get(settings.header.as_str()) {
        Header::Once(shown) => shown,
        Header::Absent => return unproven(settings, headers),
        Header::Repeated => return None,
    };
    let Secrets { shared, previous, admin, .. } = &settings.secrets;

    // Every comparison is made, so that the time tells nothing of which one matched.
    let is_shared = bool::from(shared.matches(shown));
    let is_previous = previous.as_ref().is_some_and(|previous| previous.matches(shown).into());
    let is_admin = admin.as_ref().is_some_and(|admin| admin.matches(shown).into());
    let caller = Caller {
        notifies: is_shared || is_previous,
        administers: if admin.is_some() { is_admin } else { is_shared },
        is_unproven: false,
    };
    (caller.notifies || caller.administers).then_some(caller)
}

/// A caller who shows a signature alone, as some servers do, may send a notification: once the signature is checked.
fn unproven(settings: &Settings, headers: &dyn Headers) -> Option<Caller> {
    let room = settings.fhir_server;
    let is_shown = || matches!(headers.get(room.signature_header().0), Header::Once(_));
    let signs = matches!(room.registering.shows, Shows::Signature) && settings.secrets.signing.is_some();
    (signs && is_shown()).then_some(Caller { notifies: true, administers: false, is_unproven: true })
}

/// Whether the body of a notification is signed as it must be: not at all, unless there is a secret for that.
pub(super) fn is_signed(settings: &Settings, headers: &dyn Headers, body: &[u8]) -> bool {
    let Some(Signing { current, previous }) = &settings.secrets.signing else { return true };
    let (header, prefix) = settings.fhir_server.signature_header();
    let Header::Once(shown) = headers.get(header) else { return false };
    let Some(shown) = shown.strip_prefix(prefix.as_bytes()) else { return false };
    // Both are tried, so that the time tells nothing of which one it was.
    let is_current = current.signs(body, shown);
    let is_previous = previous.as_ref().map_or(Choice::from(0), |previous| previous.signs(body, shown));
    (is_current | is_previous).into()
}

#[cfg(test)]
mod tests;
