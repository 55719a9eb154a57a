//! The headers of a request that handlers may see.

use http::HeaderName;

use crate::problems::Problems;
use crate::settings::Settings;

/// Headers that authenticate callers, or that depend on a signed body.
const SECRET: [&str; 9] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "x-signature",
    "x-hub-signature",
    "x-hub-signature-256",
    "x-hub-secret",
    "x-api-key",
    "x-amz-security-token",
];

/// The headers that `setup` allows. None of them may carry a secret.
pub(super) fn allowed(named: Vec<String>, settings: &Settings) -> Result<Vec<HeaderName>, Problems> {
    let mut problems = Problems::default();
    let mut allowed: Vec<HeaderName> = Vec::with_capacity(named.len());
    for name in named {
        match HeaderName::try_from(&*name) {
            Err(_) => problems
                .add(format!("`allow_header` of `setup` names `{name}`, which is not the name of a header")),
            Ok(name) if name == settings.header || SECRET.contains(&name.as_str()) => {
                let why = "which carries a secret: handlers and their logs must not have it";
                problems.add(format!("`allow_header` of `setup` names `{name}`, {why}"));
            }
            Ok(name) if allowed.contains(&name) => {}
            Ok(name) => allowed.push(name),
        }
    }
    problems.or(allowed)
}
