//! Where the next page of a search is.
//!
//! `Bundle.link[next]` is the server's word, and a server behind a gateway does not know the URL under which it is
//! reached: HAPI's links begin with its own idea of its host, `http://internal:8080/fhir?_getpages=…`. So a link is
//! never followed to another origin, where the access token would go with it. It is put under the base URL instead,
//! by the first of these rules that fits:
//!
//! 1. The `self` link of the first page ends with the path that was asked for: what stands before it is the server's own
//!    idea of its base URL ([`OwnBase`]). A `next` link whose path begins with the path of that keeps the rest.
//! 2. The link lies under the base URL: it is used as it is.
//!
//! and, where there is no such `self` link, and the link is of another host than the base URL:
//!
//! 3. Its path ends with the path that was asked for (`…/Encounter`): that path is kept.
//! 4. Its path begins with the base URL's, and that is not empty: the rest is kept.
//! 5. It carries `_getpages`, HAPI's mark of a page, which is asked for at the base URL itself.
//!
//! Where the server names itself in `self`, a link to a third host is refused: it is neither ours nor its own.
//!
//! The query is kept as it came. Where no rule fits, the search fails rather than guess: the wrong place might answer
//! with the wrong resources.

use url::{Origin, Url};

const ELSEWHERE: &str = "the link to the next page leads to another server";

/// The server's own idea of its base URL.
pub(crate) struct OwnBase {
    origin: Origin,
    path: String,
}

impl OwnBase {
    /// Reads it out of the first page's `self` link; `asked` is as for [`resolve`].
    pub(crate) fn read(base: &Url, asked: &str, own: &str) -> Option<Self> {
        let own = parse(base, own)?;
        // A search by POST is asked for at `Encounter/_search`; its link to itself mostly says `Encounter`.
        let alias = asked.strip_suffix("_search").map_or(asked, |rest| rest.trim_end_matches('/'));
        let path = [asked, alias].into_iter().find_map(|asked| strip_tail(own.path(), asked))?;
        Some(Self { origin: own.origin(), path: path.to_owned() })
    }
}

#[cfg(feature = "registration")]
impl OwnBase {
    /// Reads what [`text`](Self::text) writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let url: Url = text.parse().ok()?;
        Some(Self { origin: url.origin(), path: url.path().trim_end_matches('/').to_owned() })
    }

    /// To be kept for another walk.
    pub(crate) fn text(&self) -> String {
        format!("{}{}", self.origin.ascii_serialization(), self.path)
    }
}

/// The URL to ask for the next page at.
///
/// `asked` is the path under the base URL by which the first page was asked for, such as `Encounter`; `own` is what the
/// first page says of the server's base URL, and `this` the `self` link of the page at hand: another node may have sent it.
pub(crate) fn resolve(
    base: &Url,
    asked: &str,
    own: Option<&OwnBase>,
    this: Option<&str>,
    next: &str,
) -> Result<Url, &'static str> {
    let link = parse(base, next).ok_or("the link to the next page is not an http URL")?;
    let base_path = base.path().trim_end_matches('/');
    let same_origin = link.origin() == base.origin();
    if let Some(own) = own {
        let this = this.and_then(|this| parse(base, this));
        let is_own = own.origin == link.origin() || this.is_some_and(|this| this.origin() == link.origin());
        if !same_origin && !is_own {
            return Err(ELSEWHERE);
        }
    }
    let under_base = below(link.path(), base_path);
    let by_guess = || {
        strip_tail(link.path(), asked)
            .filter(|_| !asked.is_empty())
            .map(|_| asked)
            .or_else(|| under_base.filter(|_| !base_path.is_empty()))
            .or_else(|| link.query_pairs().any(|(name, _)| name == "_getpages").then_some(""))
    };
    let tail = own
        .and_then(|own| below(link.path(), &own.path))
        .or_else(|| under_base.filter(|_| same_origin))
        .or_else(|| if own.is_none() && !same_origin { by_guess() } else { None })
        .ok_or(ELSEWHERE)?;

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
