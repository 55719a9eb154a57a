//! [`Page`]: a search or a history page by page, for who must know how far it has come.

use std::future::poll_fn;
use std::time::SystemTime;

use http::Method;
use serde::de::DeserializeOwned;

use super::{History, Search, typed};
use crate::client::error::{Error, Kind};
use crate::fhir::BundleEntry;

/// A page.
pub(crate) struct Page<T> {
    pub(crate) found: Vec<T>,
    /// When the server answered, by its own clock, to the second; `None` where it does not say.
    pub(crate) date: Option<SystemTime>,
    /// Whether no page follows.
    pub(crate) is_last: bool,
}

impl<T: DeserializeOwned> Search<T> {
    /// The next page; `None` at the end.
    pub(crate) async fn next_page(&mut self) -> Option<Result<Page<T>, Error>> {
        let entries = match poll_fn(|context| self.pages.poll_page(context)).await? {
            Ok(entries) => entries,
            Err(error) => return Some(Err(error)),
        };
        let wanted = entries.into_iter().filter(|entry| self.is_wanted(entry.search.as_ref()));
        let found: Result<Vec<_>, _> = wanted.filter_map(|entry| entry.parse().transpose()).collect();
        let (date, is_last) = (self.pages.date(), self.pages.has_ended());
        Some(match found {
            Ok(found) => Ok(Page { found, date, is_last }),
            Err(error) => {
                self.pages.end();
                Err(Error::new(Kind::Decode(error)).of(&Method::GET, &self.subject, 1))
            }
        })
    }
}

impl<T: DeserializeOwned> History<T> {
    /// The next page; `None` at the end.
    pub(crate) async fn next_page(&mut self) -> Option<Result<Page<BundleEntry<T>>, Error>> {
        let entries = match poll_fn(|context| self.pages.poll_page(context)).await? {
            Ok(entries) => entries,
            Err(error) => return Some(Err(error)),
        };
        let found: Result<Vec<_>, Error> = entries.into_iter().map(typed).collect();
        let (date, is_last) = (self.pages.date(), self.pages.has_ended());
        Some(match found {
            Ok(found) => Ok(Page { found, date, is_last }),
            Err(error) => {
                self.pages.end();
                Err(error.of(&Method::GET, &self.subject, 1))
            }
        })
    }
}
