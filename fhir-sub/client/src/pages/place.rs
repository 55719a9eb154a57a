//! [`Place`]: where another process can continue a walk over pages.

use std::fmt;

use http::Method;
use url::Url;

use crate::error::{Error, Kind};
use crate::page_link::{self, OwnBase};
use crate::request::Request;

/// Where another process can continue a walk over pages.
///
/// `Debug` does not show it, because a link may contain values of the search.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[doc(hidden)]
pub struct Place {
    /// The next page, below the base URL: `/Encounter?…` or `?_getpages=…`.
    #[doc(hidden)]
    pub next: String,
    /// The server's own base URL, as the first page named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[doc(hidden)]
    pub own: Option<String>,
}

impl Place {
    /// The place of the next page. `None` if the page is not under the base URL.
    pub(super) fn of(base: &Url, request: &Request, own: Option<&OwnBase>) -> Option<Self> {
        let uri = request.uri.to_string();
        let next = uri.strip_prefix(base.as_str().trim_end_matches('/'))?;
        Some(Self { next: next.to_owned(), own: own.map(OwnBase::text) })
    }

    /// The request for the page. The place was stored elsewhere, so it is checked like any link: it must be
    /// under the base URL.
    pub(super) fn request(&self, base: &Url, asked: &str, subject: &str) -> Result<Request, Error> {
        let link = format!("{}{}", base.as_str().trim_end_matches('/'), self.next);
        let url = page_link::resolve(base, asked, None, None, &link)
            .map_err(|what| Error::new(Kind::PageLink(what)).of(&Method::GET, subject, 0))?;
        Request::new(Method::GET, &url, subject)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Place").finish_non_exhaustive()
    }
}
