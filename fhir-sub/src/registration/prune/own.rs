//! Whether a URL is one of the program's own endpoints: pruning may remove only Subscriptions with such a
//! URL.

use url::Url;

use crate::settings::Address;

/// The endpoint of a URL that certainly lies directly under `base`. `None` if there is any doubt.
///
/// Both URLs are compared after they are resolved by <https://url.spec.whatwg.org/>: the case of scheme and
/// host, and a default port, make no difference. If the text of a URL shows another path than the resolved
/// URL, for instance with `..`, `%2e` or `\\`, it does not count: another program may resolve it differently.
pub(super) fn endpoint<'u>(base: &Address, text: &'u str) -> Option<&'u str> {
    let (url, base) = (Url::parse(text).ok()?, base.url());
    let (scheme, rest) = text.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find('/')?);
    let host = authority.split_once(':').map_or(authority, |(host, _port)| host);

    let is_same_place = scheme.eq_ignore_ascii_case(base.scheme())
        && url.host_str()?.eq_ignore_ascii_case(base.host_str()?)
        && url.port_or_known_default() == base.port_or_known_default();
    // An IPv6 address contains colons, and is compared as it stands.
    let is_plain = host.eq_ignore_ascii_case(url.host_str()?) || authority.starts_with('[');
    let has_more = authority.contains('@') || url.query().is_some() || url.fragment().is_some();
    if !is_same_place || !is_plain || has_more || path != url.path() {
        return None;
    }
    let segment = path.strip_prefix(base.path().trim_end_matches('/'))?.strip_prefix('/')?;
    is_endpoint(segment).then_some(segment)
}

/// Whether the attribute accepts it as an endpoint: letters, digits, `-`, `.`, `_` and `~`, which need no
/// encoding in a URL.
fn is_endpoint(segment: &str) -> bool {
    !matches!(segment, "" | "." | "..")
        && segment.chars().all(|it| it.is_ascii_alphanumeric() || "-._~".contains(it))
}
