//! A secret in a header that only the FHIR server or the administrator knows.

use super::{Caller, Owed, Shown};
#[cfg(feature = "local")]
use crate::app::App;
#[cfg(feature = "local")]
use crate::deadline::Deadline;
use crate::request::{Header, Headers};
#[cfg(feature = "local")]
use crate::service::refusal::Refusal;
use crate::settings::{Secrets, Settings};

/// Looks for a secret in its header.
#[inline]
pub(in crate::service) fn authenticate(settings: &Settings, headers: &dyn Headers) -> Shown {
    let shown = match headers.get(settings.header.as_str()) {
        Header::Once(shown) => shown,
        Header::Absent => return Shown::Nothing,
        // A header that is sent twice is refused: we cannot know which of the two a proxy before us checked.
        Header::Repeated => return Shown::Wrong,
    };
    let Secrets { shared, previous, admin, .. } = &settings.secrets;

    // All comparisons are made, so that the time does not reveal which one matched.
    let is_shared = shared.as_ref().is_some_and(|shared| shared.matches(shown).into());
    let is_previous = previous.as_ref().is_some_and(|previous| previous.matches(shown).into());
    let is_admin = admin.as_ref().is_some_and(|admin| admin.matches(shown).into());
    let caller = Caller {
        notifies: is_shared || is_previous,
        administers: if admin.is_some() { is_admin } else { is_shared },
        // The secret alone is not enough if a signature is configured too.
        owes: if settings.secrets.signing.is_some() { Owed::Signature } else { Owed::Nothing },
    };
    if caller.notifies || caller.administers { Shown::Right(caller) } else { Shown::Wrong }
}

/// Prometheus, which shows the admin secret in `Authorization`, because it sends no other header. Such a caller gets
/// only the metrics.
#[cfg(feature = "local")]
pub(super) async fn scraper(
    app: &App,
    headers: &(dyn Headers + Sync),
    deadline: Deadline,
) -> Result<Caller, Refusal> {
    let caller = Caller { notifies: false, administers: true, owes: Owed::Nothing };
    if shows_admin(app.settings(), headers) {
        return Ok(caller);
    }
    let newer = app.renewed(app, deadline).await.ok_or(Refusal::Unauthorized)?;
    if shows_admin(newer.settings(), headers) { Ok(caller) } else { Err(Refusal::Unauthorized) }
}

#[cfg(feature = "local")]
fn shows_admin(settings: &Settings, headers: &dyn Headers) -> bool {
    let Header::Once(shown) = headers.get("authorization") else { return false };
    let Some(shown) = shown.strip_prefix(b"Bearer ") else { return false };
    let Secrets { shared, admin, .. } = &settings.secrets;
    let secret = admin.as_ref().or(shared.as_ref());
    secret.is_some_and(|secret| secret.matches(shown).into())
}
