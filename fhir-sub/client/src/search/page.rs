//! [`Page`]: a search or a history page by page, for callers that keep their place.

use std::borrow::Cow;
use std::future::poll_fn;
use std::marker::PhantomData;

use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{History, Search, typed};
use crate::FhirClient;
use crate::error::{Error, Kind};
use crate::fhir::{BundleEntry, OperationOutcome, OperationOutcomeIssue};
use crate::pages::Place;
use crate::pages::{Entry, Pages, Said};
use crate::request::Target;

/// A page.
#[allow(missing_debug_implementations)] // Of no use outside of fhir-sub.
#[doc(hidden)]
pub struct Page<T> {
    #[doc(hidden)]
    pub found: Vec<T>,
    /// The server's notes on the page.
    #[doc(hidden)]
    pub said: Said,
    /// The server's notes on the answer itself, from OperationOutcomes among the entries.
    #[doc(hidden)]
    pub issues: Vec<OperationOutcomeIssue>,
    /// The place of the next page; `None` on the last one.
    #[doc(hidden)]
    pub next: Option<Place>,
    /// Whether no page follows.
    #[doc(hidden)]
    pub is_last: bool,
}

impl<T> Search<T> {
    /// The pages of a search of `resource_type`, from a kept place on.
    #[doc(hidden)]
    pub fn at(client: &FhirClient, resource_type: &str, place: &Place) -> Self {
        let target = Target::resource_type(client.base_url(), resource_type);
        let pages = Pages::at(client.clone(), target, place);
        Self { pages, subject: resource_type.to_owned(), included: false, resource: PhantomData }
    }
}

impl<T> History<T> {
    /// The pages of the history of `resource_type`, from a kept place on.
    #[doc(hidden)]
    pub fn at(client: &FhirClient, resource_type: &str, place: &Place) -> Self {
        let target = Target::resource_type(client.base_url(), resource_type);
        let pages = Pages::at(client.clone(), target.and_then(|target| target.history(None)), place);
        Self { pages, subject: format!("{resource_type}/_history"), resource: PhantomData }
    }
}

impl<T: DeserializeOwned> Search<T> {
    /// The next page; `None` at the end.
    #[doc(hidden)]
    pub async fn next_page(&mut self) -> Option<Result<Page<T>, Error>> {
        let entries = match poll_fn(|context| self.pages.poll_page(context)).await? {
            Ok(entries) => entries,
            Err(error) => return Some(Err(error)),
        };
        let issues = issues(&entries);
        let wanted = entries.into_iter().filter(|entry| self.is_wanted(entry.search.as_ref()));
        let found = wanted.map(|entry| match entry.parse() {
            Ok(Some(resource)) => Ok(resource),
            Ok(None) => Err(Error::new(Kind::Unexpected("an entry has no resource"))),
            Err(error) => Err(Error::new(Kind::Decode(error))),
        });
        let found = found.collect();
        Some(turn(&mut self.pages, &self.subject, issues, found))
    }
}

impl<T: DeserializeOwned> History<T> {
    /// The next page; `None` at the end.
    #[doc(hidden)]
    pub async fn next_page(&mut self) -> Option<Result<Page<BundleEntry<T>>, Error>> {
        let entries = match poll_fn(|context| self.pages.poll_page(context)).await? {
            Ok(entries) => entries,
            Err(error) => return Some(Err(error)),
        };
        let issues = issues(&entries);
        let found = entries.into_iter().map(typed).collect();
        Some(turn(&mut self.pages, &self.subject, issues, found))
    }
}

/// Makes a page from its entries. After a page that cannot be read, the walk ends.
fn turn<T>(
    pages: &mut Pages,
    subject: &str,
    issues: Vec<OperationOutcomeIssue>,
    found: Result<Vec<T>, Error>,
) -> Result<Page<T>, Error> {
    match found {
        Ok(found) => Ok(Page {
            found,
            said: pages.said().clone(),
            issues,
            next: pages.place(),
            is_last: pages.is_last(),
        }),
        Err(error) => {
            pages.end();
            Err(error.of(&Method::GET, subject, 1))
        }
    }
}

/// The issues of the OperationOutcomes among the entries. Some servers do not mark them as `outcome`.
fn issues(entries: &[Entry]) -> Vec<OperationOutcomeIssue> {
    #[derive(Deserialize)]
    struct Typed<'a> {
        #[serde(borrow, default, rename = "resourceType")]
        resource_type: Option<Cow<'a, str>>,
    }
    let mut issues = Vec::new();
    for entry in entries {
        let Some(resource) = entry.resource.as_deref() else { continue };
        let mode = entry.search.as_ref().and_then(|search| search.mode.as_deref());
        let is_outcome = mode != Some("match")
            && serde_json::from_str::<Typed<'_>>(resource.get())
                .is_ok_and(|typed| typed.resource_type.as_deref() == Some("OperationOutcome"));
        if is_outcome && let Some(outcome) = OperationOutcome::from_body(resource.get().as_bytes()) {
            issues.extend(outcome.issue);
        }
    }
    issues
}
