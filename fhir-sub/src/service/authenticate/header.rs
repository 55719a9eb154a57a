//! A secret in a header, which only the FHIR server knows, or the administrator.

use super::{Caller, Owed, Shown};
use crate::request::{Header, Headers};
use crate::settings::{Secrets, Settings};

/// Looks for a secret in its header.
#[inline]
pub(in crate::service) fn authenticate(settings: &Settings, headers: &dyn Headers) -> Shown {
    let shown = match headers.get(settings.header.as_str()) {
        Header::Once(shown) => shown,
        Header::Absent => return Shown::Nothing,
        // A header sent twice is nobody's: which of the two a proxy before us looked at cannot be known.
        Header::Repeated => return Shown::Wrong,
    };
    let Secrets { shared, previous, admin, .. } = &settings.secrets;

    // Every comparison is made, so that the time does not tell which one matched.
    let is_shared = shared.as_ref().is_some_and(|shared| shared.matches(shown).into());
    let is_previous = previous.as_ref().is_some_and(|previous| previous.matches(shown).into());
    let is_admin = admin.as_ref().is_some_and(|admin| admin.matches(shown).into());
    let caller = Caller {
        notifies: is_shared || is_previous,
        administers: if admin.is_some() { is_admin } else { is_shared },
        // Beside the secret, whatever else lets callers in.
        owes: if settings.secrets.signing.is_some() { Owed::Signature } else { Owed::Nothing },
        is_unproven: false,
    };
    if caller.notifies || caller.administers { Shown::Right(caller) } else { Shown::Wrong }
}
