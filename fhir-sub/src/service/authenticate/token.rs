//! An OAuth 2.0 access token, accepted in the header `Authorization` only (RFC 6750 §2.1).

use std::time::SystemTime;

use crate::app::App;
use crate::deadline::Deadline;
use crate::request::{Header, Headers};
use crate::service::refusal::Refusal;

/// Checks the caller's access token.
pub(super) async fn check(
    app: &App,
    headers: &(dyn Headers + Sync),
    deadline: Deadline,
) -> Result<(), Refusal> {
    let Some(issuer) = app.issuer() else { return Err(Refusal::Unauthorized) };
    // If there are two headers, we cannot know which one a proxy before us checked.
    let Header::Once(shown) = headers.get("authorization") else { return Err(Refusal::Unauthorized) };
    let token = bearer(shown).ok_or(Refusal::Unauthorized)?;
    issuer.check(token, SystemTime::from(app.now()), deadline).await.map_err(Refusal::Token)
}

/// The token of a header whose scheme is `Bearer`.
fn bearer(header: &[u8]) -> Option<&str> {
    let (scheme, token) = str::from_utf8(header).ok()?.split_once(' ')?;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (scheme.eq_ignore_ascii_case("bearer") && token.bytes().all(is_token)).then_some(token)
}
