//! Where the next page of a search is.
//!
//! `Bundle.link[next]` is the server's word, and a server behind a gateway does not know the URL under which it is
//! reached: HAPI's links begin with its own idea of its host, `http://internal:8080/fhir?_getpages=…`. So a link is
//! never followed to another origin, where the access token would go with it. It is put under the base URL instead,
//! by the first of these rules that fits:
//!
//! 1. The `self` link of the first page ends with the path that was asked for: what stands before it is the path of the
//!    server's own idea of its base URL. A `next` link whose path begins with it keeps the rest.
//! 2. The link lies under the base URL: it is used as it is.
//! 3. Its path ends with the path that was asked for (`…/Encounter`): that path is kept.
//! 4. Its path begins with the base URL's, and that is not empty: the rest is kept.
//! 5. It carries `_getpages`, HAPI's mark of a page, which is asked for at the base URL itself.
//!
//! The query is kept as it came. Where no rule fits, the search fails rather than guess: the wrong place might answer
//! with the wrong resources.

use url::Url;

/// The URL to ask for the next page at.
///
/// `asked` is the path under the base URL by which the first page was asked for, such as `Encounter`; `own` is what
/// [`own_path`] made of that page.
pub(crate) fn resolve(base: &Url, asked: &str, own: Option<&str>, next: &str) -> Result<Url, &'static str> {
    let link = parse(base, next).ok_or("the link to the next page is no http URL")?;
    let base_path = base.path().trim_end_matches('/');
    let same_origin = link.origin() == base.origin();

    let tail = own
        .and_then(|own| below(link.path(), own))
        .or_else(|| below(link.path(), base_path).filter(|_| same_origin))
        .or_else(|| strip_tail(link.path(), asked).filter(|_| !asked.is_empty()).map(|_| asked))
        .or_else(|| below(link.path(), base_path).filter(|_| !base_path.is_empty()))
        .or_else(|| link.query_pairs().any(|(name, _)| name == "_getpages").then_some(""))
        .ok_or("the link to the next page leads to another server")?;

    let mut url = base.clone();
    let tail = tail.trim_matches('/');
    url.set_path(&if tail.is_empty() { base_path.to_owned() } else { format!("{base_path}/{tail}") });
    url.set_query(link.query());
    // Both paths were normalized when they were parsed; this holds them to it.
    let escaped = below(url.path(), base_path).is_none() || url.origin() != base.origin();
    if escaped { Err("the link to the next page leaves the base URL") } else { Ok(url) }
}

/// Parses a link, absolute or relative to the base URL.
fn parse(base: &Url, link: &str) -> Option<Url> {
    let mut root = base.clone();
    root.set_path(&format!("{}/", base.path().trim_end_matches('/')));
    let url = root.join(link).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// The path of the server's own idea of its base URL, out of the first page's `self` link.
pub(crate) fn own_path(base: &Url, asked: &str, own: &str) -> Option<String> {
    let own = parse(base, own)?;
    // A search by POST is asked for at `Encounter/_search`; its link to itself mostly says `Encounter`.
    let alias = asked.strip_suffix("_search").map_or(asked, |rest| rest.trim_end_matches('/'));
    [asked, alias].into_iter().find_map(|asked| strip_tail(own.path(), asked)).map(str::to_owned)
}

/// A path without the segments that it ends with.
fn strip_tail<'a>(path: &'a str, tail: &str) -> Option<&'a str> {
    let path = path.trim_end_matches('/');
    if tail.is_empty() {
        return Some(path);
    }
    path.strip_suffix(tail)?.strip_suffix('/')
}

/// What of a path comes after the segments that it begins with.
fn below<'a>(path: &'a str, start: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(start)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

#[cfg(test)]
mod tests;
