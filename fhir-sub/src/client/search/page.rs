//! [`Page`]: a search or a history page by page, for who must know how far it has come.

use std::borrow::Cow;
use std::future::poll_fn;
#[cfg(feature = "registration")]
use std::marker::PhantomData;

use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{History, Search, typed};
#[cfg(feature = "registration")]
use crate::client::FhirClient;
use crate::client::error::{Error, Kind};
#[cfg(feature = "registration")]
use crate::client::pages::Place;
use crate::client::pages::{Entry, Pages, Said};
#[cfg(feature = "registration")]
use crate::client::request::Target;
use crate::fhir::{BundleEntry, OperationOutcome, OperationOutcomeIssue};

/// A page.
pub(crate) struct Page<T> {
    pub(crate) found: Vec<T>,
    /// The server's notes on the page.
    pub(crate) said: Said,
    /// What the server notes on the answer itself, in an OperationOutcome among the entries.
    pub(crate) issues: Vec<OperationOutcomeIssue>,
    /// Where the next page is; `None` on the last one.
    #[cfg(feature = "registration")]
    pub(crate) next: Option<Place>,
    /// Whether no page follows.
    pub(crate) is_last: bool,
}

#[cfg(feature = "registration")]
impl<T> Search<T> {
    /// The pages of a search of `resource_type` from a place on that was kept.
    pub(crate) fn at(client: &FhirClient, resource_type: &str, place: &Place) -> Self {
        let target = Target::resource_type(client.base_url(), resource_type);
        let pages = Pages::at(client.clone(), target, place);
        Self { pages, subject: resource_type.to_owned(), included: false, resource: PhantomData }
    }
}

#[cfg(feature = "registration")]
impl<T> History<T> {
    /// The pages of the history of `resource_type` from a place on that was kept.
    pub(crate) fn at(client: &FhirClient, resource_type: &str, place: &Place) -> Self {
        let target = Target::resource_type(client.base_url(), resource_type);
        let pages = Pages::at(client.clone(), target.and_then(|target| target.history(None)), place);
        Self { pages, subject: format!("{resource_type}/_history"), resource: PhantomData }
    }
}

impl<T: DeserializeOwned> Search<T> {
    /// The next page; `None` at the end.
    pub(crate) async fn next_page(&mut self) -> Option<Result<Page<T>, Error>> {
        let entries = match poll_fn(|context| self.pages.poll_page(context)).await? {
            Ok(entries) => entries,
            Err(error) => return Some(Err(error)),
        };
        let issues = issues(&entries);
        let wanted = entries.into_iter().filter(|entry| self.is_wanted(entry.search.as_ref()));
        let found: Result<Vec<_>, _> = wanted.filter_map(|entry| entry.parse().transpose()).collect();
        let found = found.map_err(|error| Error::new(Kind::Decode(error)));
        Some(turn(&mut self.pages, &self.subject, issues, found))
    }
}

impl<T: DeserializeOwned> History<T> {
    /// The next page; `None` at the end.
    pub(crate) async fn next_page(&mut self) -> Option<Result<Page<BundleEntry<T>>, Error>> {
        let entries = match poll_fn(|context| self.pages.poll_page(context)).await? {
            Ok(entries) => entries,
            Err(error) => return Some(Err(error)),
        };
        let issues = issues(&entries);
        let found = entries.into_iter().map(typed).collect();
        Some(turn(&mut self.pages, &self.subject, issues, found))
    }
}

/// The page of what was found on it. Nothing follows a page that cannot be read.
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
            #[cfg(feature = "registration")]
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
