//! [`Place`]: where a walk over pages goes on later, in another process.

use std::fmt;

#[cfg(feature = "registration")]
use http::Method;
#[cfg(feature = "registration")]
use url::Url;

#[cfg(feature = "registration")]
use crate::client::error::{Error, Kind};
#[cfg(feature = "registration")]
use crate::client::page_link::{self, OwnBase};
#[cfg(feature = "registration")]
use crate::client::request::Request;

/// Where a walk over pages goes on later, in another process.
///
/// A link may carry values of the search, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Place {
    /// The next page, below the base URL: `/Encounter?…` or `?_getpages=…`.
    pub(crate) next: String,
    /// The server's own idea of its base URL, which the first page has told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) own: Option<String>,
}

#[cfg(feature = "registration")]
impl Place {
    /// The place of a page that is to be asked for. `None` where it is not below the base URL.
    pub(super) fn of(base: &Url, request: &Request, own: Option<&OwnBase>) -> Option<Self> {
        let uri = request.uri.to_string();
        let next = uri.strip_prefix(base.as_str().trim_end_matches('/'))?;
        Some(Self { next: next.to_owned(), own: own.map(OwnBase::text) })
    }

    /// The request for the page. It was kept elsewhere, and is followed below the base URL only, as any link.
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
