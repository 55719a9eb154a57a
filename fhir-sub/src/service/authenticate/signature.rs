//! A signature of the body, made with a secret that only the FHIR server knows: Medplum's `X-Signature`, and WebSub's
//! `X-Hub-Signature` (<https://www.w3.org/TR/websub/#signature-validation>).

use subtle::Choice;

use super::{Caller, NOTIFIER, Owed, Refusal};
use crate::request::{Header, Headers};
use crate::server::Shows;
use crate::settings::{Settings, Signing};
use crate::signature::{HUB_PREFIX, HUB_SIGNATURE, bytes};

/// Admits a caller that shows only a signature, until the signature is checked. This holds for WebSub, and for a server
/// that can send nothing else or is configured to send nothing else. A header that cannot be a signature is refused
/// before the body is received.
pub(super) fn unproven(settings: &Settings, headers: &dyn Headers) -> Option<Result<Caller, Refusal>> {
    let is_shown = |header| matches!(headers.get(header), Header::Once(_));
    let room = settings.fhir_server;
    let signs_only = matches!(room.registering.shows, Shows::Signature) || settings.secrets.shared.is_none();
    let owes = if settings.hub().is_some() && is_shown(HUB_SIGNATURE) {
        Owed::HubSignature
    } else if signs_only && settings.secrets.signing.is_some() && is_shown(room.signature_header().0) {
        Owed::SignatureAlone
    } else {
        return None;
    };
    let (header, prefix) = place(settings, owes)?;
    let is_formed = digits(headers, header, prefix).is_some_and(|digits| bytes(digits).is_some());
    Some(if is_formed { Ok(Caller { owes, ..NOTIFIER }) } else { Err(Refusal::Unsigned) })
}

/// Whether the body of a notification has the signature that its caller owes.
pub(in crate::service) fn is_signed(
    settings: &Settings,
    owed: Owed,
    headers: &dyn Headers,
    body: &[u8],
) -> bool {
    let Some((header, prefix)) = place(settings, owed) else { return true };
    let secret = match owed {
        Owed::HubSignature => settings.hub(),
        _ => settings.secrets.signing.as_ref(),
    };
    let Some(Signing { current, previous }) = secret else { return false };
    let Some(shown) = digits(headers, header, prefix) else { return false };
    // Both keys are tried, so that the time does not reveal which one matched.
    let is_current = current.signs(body, shown);
    let is_previous = previous.as_ref().map_or(Choice::from(0), |previous| previous.signs(body, shown));
    (is_current | is_previous).into()
}

/// The header of a signature, and the text before its digits.
fn place(settings: &Settings, owed: Owed) -> Option<(&'static str, &'static str)> {
    match owed {
        Owed::Nothing => None,
        Owed::Signature | Owed::SignatureAlone => Some(settings.fhir_server.signature_header()),
        Owed::HubSignature => Some((HUB_SIGNATURE, HUB_PREFIX)),
    }
}

/// The digits of the signature, if its header is there once.
fn digits<'h>(headers: &'h dyn Headers, header: &str, prefix: &str) -> Option<&'h [u8]> {
    let Header::Once(shown) = headers.get(header) else { return None };
    shown.strip_prefix(prefix.as_bytes())
}
