//! Searches and histories as streams.

mod page;

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderValue, Method};
use serde::de::DeserializeOwned;

#[doc(hidden)]
pub use self::page::Page;

use crate::FhirClient;
use crate::error::{Error, Kind};
use crate::fhir::reference::encode_query;
use crate::fhir::{BundleEntry, BundleSearch};
use crate::page_limits::PageLimits;
use crate::pages::{Entry, Pages};
use crate::request::Target;

/// The resources that a search finds, over all its pages. [`FhirClient::search`] and [`FhirClient::search_type`] make it.
///
/// Nothing is sent before the first poll. The search holds one page at a time, and asks for the next page when that page is used up. It
/// is a [`Stream`] with the usual methods of its own. It ends after an error.
///
/// ```no_run
/// # async fn example(fhir: fhir_sub::client::FhirClient) -> Result<(), fhir_sub::client::Error> {
/// # #[derive(serde::Deserialize)]
/// # struct Encounter { status: String }
/// let mut encounters = fhir.search_type::<Encounter>("Encounter", &[("patient", "Patient/1")]);
/// while let Some(encounter) = encounters.next().await {
///     println!("{}", encounter?.status);
/// }
///
/// let planned: Vec<Encounter> = fhir.search_type("Encounter", &[("status", "planned")]).all().await?;
/// let any: Option<Encounter> = fhir.search_type("Encounter", &[("_count", "1")]).first().await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is sent until this is polled"]
pub struct Search<T> {
    pages: Pages,
    subject: String,
    included: bool,
    resource: PhantomData<fn() -> T>,
}

impl<T> Search<T> {
    pub(crate) fn new(client: FhirClient, target: Result<Target, Error>) -> Self {
        let subject = target.as_ref().map(|target| target.subject.clone()).unwrap_or_default();
        Self { pages: Pages::new(client, target), subject, included: false, resource: PhantomData }
    }

    /// A search by `POST [type]/_search`: no URL contains its parameters.
    pub(crate) fn posted(client: FhirClient, target: Result<Target, Error>, query: &[(&str, &str)]) -> Self {
        let target = target.map(Target::search);
        let subject = target.as_ref().map(|target| target.subject.clone()).unwrap_or_default();
        let asked =
            target.as_ref().map(|target| target.path_under(client.base_url()).into()).unwrap_or_default();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let request = target.and_then(|target| target.request(Method::POST)).map(|request| {
            let mut request = request.body(form, Bytes::from(encode_query(query)));
            request.repeat = crate::retry::Repeat::Safe;
            request
        });
        let pages = Pages::with_request(client, asked, request);
        Self { pages, subject, included: false, resource: PhantomData }
    }

    /// Gives the included resources too (`_include`, `_revinclude`). `T` must then accept all their types.
    ///
    /// Otherwise, the search gives only resources that match: `entry.search.mode` is `match`, or absent. It never gives the server's notes
    /// on the search (`outcome`).
    pub fn with_included(mut self) -> Self {
        self.included = true;
        self
    }

    /// Sets other limits for this walk over pages than [`ClientConfig::page_limits`](crate::ClientConfig).
    pub fn limits(mut self, limits: PageLimits) -> Self {
        self.pages.limit(limits);
        self
    }

    /// Asks the server to refuse an unknown parameter instead of ignoring it.
    #[doc(hidden)]
    pub fn strict(mut self) -> Self {
        self.pages.strict();
        self
    }

    fn is_wanted(&self, search: Option<&BundleSearch>) -> bool {
        match search.and_then(|search| search.mode.as_deref()) {
            None | Some("match") => true,
            Some("include") => self.included,
            Some(_) => false,
        }
    }
}

impl<T: DeserializeOwned> Search<T> {
    /// The next resource; `None` at the end.
    ///
    /// # Errors
    /// As for [`all`](Search::all).
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        poll_fn(|context| self.poll_resource(context)).await
    }

    /// All resources, held in memory together. If there may be many, use [`next`](Search::next).
    ///
    /// # Errors
    /// See [`FhirClient`]. A link to a next page that leads elsewhere or in a circle is an error too, and so are more pages, entries or
    /// bytes than the [limits](Search::limits) allow.
    pub async fn all(mut self) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        while let Some(resource) = self.next().await {
            all.push(resource?);
        }
        Ok(all)
    }

    /// The first resource, if there is any.
    ///
    /// # Errors
    /// See [`FhirClient`].
    pub async fn first(mut self) -> Result<Option<T>, Error> {
        self.next().await.transpose()
    }

    fn poll_resource(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<T, Error>>> {
        loop {
            let entry = match ready!(self.pages.poll_next(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(entry)) => entry,
            };
            if !self.is_wanted(entry.search.as_ref()) {
                continue;
            }
            match entry.parse() {
                Ok(None) => {}
                Ok(Some(resource)) => return Poll::Ready(Some(Ok(resource))),
                Err(error) => {
                    self.pages.end();
                    let error = Error::new(Kind::Decode(error)).of(&Method::GET, &self.subject, 1);
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

impl<T: DeserializeOwned> Stream for Search<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_resource(context)
    }
}

impl<T> fmt::Debug for Search<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Search").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// The versions of a resource, newest first, over all pages. [`FhirClient::history`] makes it.
///
/// Each version is an entry, because a deletion has no resource: see [`BundleEntry::request`].
#[must_use = "nothing is sent until this is polled"]
pub struct History<T> {
    pages: Pages,
    subject: String,
    resource: PhantomData<fn() -> T>,
}

impl<T> History<T> {
    pub(crate) fn new(client: FhirClient, target: Result<Target, Error>) -> Self {
        let subject = target.as_ref().map(|target| target.subject.clone()).unwrap_or_default();
        Self { pages: Pages::new(client, target), subject, resource: PhantomData }
    }

    /// Sets other limits for this walk over pages than [`ClientConfig::page_limits`](crate::ClientConfig).
    pub fn limits(mut self, limits: PageLimits) -> Self {
        self.pages.limit(limits);
        self
    }
}

impl<T: DeserializeOwned> History<T> {
    /// The next older version; `None` at the end.
    ///
    /// # Errors
    /// As for [`all`](History::all).
    pub async fn next(&mut self) -> Option<Result<BundleEntry<T>, Error>> {
        poll_fn(|context| self.poll_version(context)).await
    }

    /// All versions at once.
    ///
    /// # Errors
    /// See [`FhirClient`].
    pub async fn all(mut self) -> Result<Vec<BundleEntry<T>>, Error> {
        let mut all = Vec::new();
        while let Some(version) = self.next().await {
            all.push(version?);
        }
        Ok(all)
    }

    fn poll_version(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<BundleEntry<T>, Error>>> {
        let version = ready!(self.pages.poll_next(context)).map(|entry| {
            entry.and_then(|entry| typed(entry).map_err(|error| error.of(&Method::GET, &self.subject, 1)))
        });
        if matches!(version, Some(Err(_))) {
            self.pages.end();
        }
        Poll::Ready(version)
    }
}

fn typed<T: DeserializeOwned>(entry: Entry) -> Result<BundleEntry<T>, Error> {
    let resource = entry.parse().map_err(|error| Error::new(Kind::Decode(error)))?;
    let BundleEntry { full_url, search, request, response, .. } = entry;
    Ok(BundleEntry { full_url, resource, search, request, response })
}

impl<T: DeserializeOwned> Stream for History<T> {
    type Item = Result<BundleEntry<T>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_version(context)
    }
}

impl<T> fmt::Debug for History<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History").field("subject", &self.subject).finish_non_exhaustive()
    }
}
