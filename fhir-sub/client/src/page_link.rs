//! Finds the next page of a search.
//!
//! The server writes `Bundle.link[next]`, and a server behind a gateway does not know its public URL: HAPI's
//! links begin with its own host, `http://internal:8080/fhir?_getpages=…`. The client never follows a link to
//! another origin, because it would send the access token there. It rewrites the link to the base URL, by the
//! first of these rules that applies:
//!
//! 1. The `self` link of the first page ends with the requested path. Then the part before it is the server's own base
//!    URL ([`OwnBase`]). If the path of the `next` link begins with the path of this base URL, the rest of it is kept.
//! 2. The link is under the base URL: it is used unchanged.
//!
//! If there is no such `self` link, and the link has another host than the base URL:
//!
//! 3. If the link's path ends with the requested path (`…/Encounter`), the requested path is kept.
//! 4. If the link's path begins with the path of the base URL, and that is not empty, the rest of it is kept.
//! 5. If the link has `_getpages`, HAPI's mark of a page, the page is requested at the base URL itself.
//!
//! If the first page has such a `self` link, a link to a third host is refused.
//!
//! The query stays unchanged. If no rule applies, the search fails: at a guessed place, the server might
//! answer with the wrong resources.

use url::{Origin, Url};

const ELSEWHERE: &str = "the link to the next page leads to another server";

/// The base URL as the server itself sees it.
pub(crate) struct OwnBase {
    origin: Origin,
    path: String,
}

impl OwnBase {
    /// Reads the base URL from the first page's `self` link; `asked` is as for [`resolve`].
    pub(crate) fn read(base: &Url, asked: &str, own: &str) -> Option<Self> {
        let own = parse(base, own)?;
        // A search by POST goes to `Encounter/_search`, but its `self` link usually says `Encounter`.
        let alias = asked.strip_suffix("_search").map_or(asked, |rest| rest.trim_end_matches('/'));
        let path = [asked, alias].into_iter().find_map(|asked| strip_tail(own.path(), asked))?;
        Some(Self { origin: own.origin(), path: path.to_owned() })
    }
}

impl OwnBase {
    /// Parses the result of [`text`](Self::text).
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let url: Url = text.parse().ok()?;
        Some(Self { origin: url.origin(), path: url.path().trim_end_matches('/').to_owned() })
    }

    /// The text from which a later walk restores it.
    pub(crate) fn text(&self) -> String {
        format!("{}{}", self.origin.ascii_serialization(), self.path)
    }
}

/// The URL of the next page.
///
/// `asked` is the path under the base URL of the first request, such as `Encounter`. `own` is the server's
/// own base URL by the first page, and `this` is the `self` link of the current page, which another node may
/// have sent.
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
    // Parsing has normalized both paths; this checks the result.
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

/// A path without the segments `tail` at its end.
fn strip_tail<'a>(path: &'a str, tail: &str) -> Option<&'a str> {
    let path = path.trim_end_matches('/');
    if tail.is_empty() {
        return Some(path);
    }
    path.strip_suffix(tail)?.strip_suffix('/')
}

/// The rest of a path that begins with the segments `start`.
fn below<'a>(path: &'a str, start: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(start)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

#[cfg(test)]
mod tests;
