//! A signature of the body, made with a secret that only the FHIR server knows: Medplum's `X-Signature`, and WebSub's
//! `X-Hub-Signature` (<https://www.w3.org/TR/websub/#signature-validation>).

use subtle::Choice;

use super::{Caller, NOTIFIER, Owed};
use crate::request::{Header, Headers};
use crate::server::Shows;
use crate::settings::{Settings, Signing};
use crate::signature::{HUB_PREFIX, HUB_SIGNATURE};

/// A caller who shows a signature alone may send a notification, once the signature is found to be right: WebSub's, and that of
/// a server that shows nothing else, or is to show nothing else.
pub(super) fn unproven(settings: &Settings, headers: &dyn Headers) -> Option<Caller> {
    let is_shown = |header| matches!(headers.get(header), Header::Once(_));
    let room = settings.fhir_server;
    let signs_only = matches!(room.registering.shows, Shows::Signature) || settings.secrets.shared.is_none();
    let owes = if settings.hub().is_some() && is_shown(HUB_SIGNATURE) {
        Owed::HubSignature
    } else if signs_only && settings.secrets.signing.is_some() && is_shown(room.signature_header().0) {
        Owed::Signature
    } else {
        return None;
    };
    Some(Caller { owes, is_unproven: true, ..NOTIFIER })
}

/// Whether the body of a notification is signed as its caller owes it.
pub(in crate::service) fn is_signed(
    settings: &Settings,
    owed: Owed,
    headers: &dyn Headers,
    body: &[u8],
) -> bool {
    let ((header, prefix), secret) = match owed {
        Owed::Nothing => return true,
        Owed::Signature => (settings.fhir_server.signature_header(), settings.secrets.signing.as_ref()),
        Owed::HubSignature => ((HUB_SIGNATURE, HUB_PREFIX), settings.hub()),
    };
    let Some(Signing { current, previous }) = secret else { return false };
    let Header::Once(shown) = headers.get(header) else { return false };
    let Some(shown) = shown.strip_prefix(prefix.as_bytes()) else { return false };
    // Both are tried, so that the time does not tell which one it was.
    let is_current = current.signs(body, shown);
    let is_previous = previous.as_ref().map_or(Choice::from(0), |previous| previous.signs(body, shown));
    (is_current | is_previous).into()
}
