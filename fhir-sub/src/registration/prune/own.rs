//! Whether a URL is one of the program's own endpoints: only then may pruning remove what has it.

use url::Url;

use crate::settings::Address;

/// The endpoint of a URL that certainly lies right under `base`; `None` where there is any doubt.
///
/// Both are compared as they are resolved, by <https://url.spec.whatwg.org/>: the case of scheme and host and a default
/// port make no difference. A URL whose text says another path than it resolves to, such as one with `..`, `%2e` or `\\`,
/// is nobody's: another program may resolve it otherwise.
pub(super) fn endpoint<'u>(base: &Address, text: &'u str) -> Option<&'u str> {
    let (url, base) = (Url::parse(text).ok()?, base.url());
    let (scheme, rest) = text.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find('/')?);
    let host = authority.split_once(':').map_or(authority, |(host, _port)| host);

    let is_same_place = scheme.eq_ignore_ascii_case(base.scheme())
        && url.host_str()?.eq_ignore_ascii_case(base.host_str()?)
        && url.port_or_known_default() == base.port_or_known_default();
    // An IPv6 address has colons of its own, and stands as it is.
    let is_plain = host.eq_ignore_ascii_case(url.host_str()?) || authority.starts_with('[');
    let has_more = authority.contains('@') || url.query().is_some() || url.fragment().is_some();
    if !is_same_place || !is_plain || has_more || path != url.path() {
        return None;
    }
    let segment = path.strip_prefix(base.path().trim_end_matches('/'))?.strip_prefix('/')?;
    is_endpoint(segment).then_some(segment)
}

/// Whether the attribute takes it for an endpoint: letters, digits, `-`, `.`, `_` and `~`, which no URL has to encode.
fn is_endpoint(segment: &str) -> bool {
    !matches!(segment, "" | "." | "..")
        && segment.chars().all(|it| it.is_ascii_alphanumeric() || "-._~".contains(it))
}
