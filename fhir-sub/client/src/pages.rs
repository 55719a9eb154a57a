//! The pages of a search or a history, one at a time.

mod place;

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};
use std::vec;

use futures_core::future::BoxFuture;
use http::Method;
use http::header::DATE;
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::FhirClient;
use crate::answer::{decode_resource, failure};
use crate::error::{Error, Kind};
use crate::fhir::{Bundle, BundleEntry};
use crate::page_limits::{Bound, PageLimits, Walked};
use crate::page_link::{self, OwnBase};
use crate::request::{Request, Target};

#[doc(hidden)]
pub use self::place::Place;

pub(crate) type Entry = BundleEntry<Box<RawValue>>;

/// Reads a bundle with several pages entry by entry. It holds one page, and eight bytes for each earlier
/// page.
pub(crate) struct Pages {
    client: FhirClient,
    state: State,
    entries: vec::IntoIter<Entry>,
    /// The path of the first request.
    asked: Arc<str>,
    /// The server's own base URL, after the first page named it.
    own: Option<Arc<OwnBase>>,
    walked: Walked,
    /// The server's notes on the last page.
    said: Said,
    seen: HashSet<u64>,
    hasher: RandomState,
}

enum State {
    /// The next page is not requested yet.
    Next(Box<Request>),
    /// The request is invalid; the next poll returns the error.
    Mistake(Error),
    Asking(BoxFuture<'static, Result<Page, Error>>),
    Done,
}

struct Page {
    entries: Vec<Entry>,
    next: Option<Request>,
    own: Option<Arc<OwnBase>>,
    said: Said,
    bytes: usize,
    took: Duration,
    request: Request,
}

/// A server's notes on a page.
#[derive(Clone, Default)]
#[allow(missing_debug_implementations)] // Of no use outside of fhir-sub.
#[doc(hidden)]
pub struct Said {
    /// When the server answered, by its own clock, to the second.
    #[doc(hidden)]
    pub date: Option<SystemTime>,
    /// `Bundle.link[self]`: what the server searched for.
    #[doc(hidden)]
    pub own_link: Option<String>,
    /// `Bundle.total`: how many resources or versions all pages have.
    #[doc(hidden)]
    pub total: Option<u64>,
}

impl Pages {
    /// The pages from the first one on.
    pub(crate) fn new(client: FhirClient, target: Result<Target, Error>) -> Self {
        let asked =
            target.as_ref().map(|target| target.path_under(client.base_url()).into()).unwrap_or_default();
        let request = target.and_then(|target| target.request(Method::GET));
        Self::with_request(client, asked, request)
    }

    pub(crate) fn with_request(client: FhirClient, asked: Arc<str>, request: Result<Request, Error>) -> Self {
        let state = match request {
            Ok(request) => State::Next(Box::new(request.no_cache())),
            Err(error) => State::Mistake(error),
        };
        let entries = Vec::new().into_iter();
        let (seen, hasher, said) = (HashSet::new(), RandomState::new(), Said::default());
        let walked = Walked::new(client.page_limits());
        Self { client, state, entries, asked, own: None, walked, said, seen, hasher }
    }

    /// Sets other limits, before the first request.
    pub(crate) fn limit(&mut self, limits: PageLimits) {
        self.walked = Walked::new(limits);
    }

    /// The pages from a place that an earlier walk over the pages of `target` kept.
    pub(crate) fn at(client: FhirClient, target: Result<Target, Error>, place: &Place) -> Self {
        let subject = target.as_ref().map(|target| target.subject.clone()).unwrap_or_default();
        let mut pages = Self::new(client, target);
        if let State::Next(_) = pages.state {
            pages.state = match place.request(pages.client.base_url(), &pages.asked, &subject) {
                Ok(request) => State::Next(Box::new(request.no_cache())),
                Err(error) => State::Mistake(error),
            };
            pages.own = place.own.as_deref().and_then(OwnBase::parse).map(Arc::new);
        }
        pages
    }

    /// Whether no page follows.
    pub(crate) fn is_last(&self) -> bool {
        !matches!(self.state, State::Next(_))
    }

    /// The place of the next page, to continue there later. `None` if no page follows.
    pub(crate) fn place(&self) -> Option<Place> {
        let State::Next(request) = &self.state else { return None };
        Place::of(self.client.base_url(), request, self.own.as_deref())
    }

    /// Asks the server to refuse unknown parameters of the first page.
    pub(crate) fn strict(&mut self) {
        if let State::Next(request) = &mut self.state {
            request.make_strict();
        }
    }

    /// Ends the walk after an error: the entries after it might be incomplete.
    pub(crate) fn end(&mut self) {
        self.state = State::Done;
        self.entries = Vec::new().into_iter();
    }

    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Entry, Error>>> {
        loop {
            if let Some(entry) = self.entries.next() {
                return Poll::Ready(Some(Ok(entry)));
            }
            match ready!(self.poll_page(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(entries)) => self.entries = entries.into_iter(),
            }
        }
    }

    /// The next whole page, without the remaining entries of the current one.
    pub(crate) fn poll_page(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Vec<Entry>, Error>>> {
        loop {
            match std::mem::replace(&mut self.state, State::Done) {
                State::Done => return Poll::Ready(None),
                State::Mistake(error) => return Poll::Ready(Some(Err(error))),
                State::Next(mut request) => {
                    let repeated = !self.seen.insert(self.hasher.hash_one(request.uri.to_string()));
                    if repeated {
                        let error = Error::new(Kind::PageLink("the pages go round in a circle"));
                        return Poll::Ready(Some(Err(error.of(&request.method, &request.subject, 0))));
                    }
                    let (bytes, time) = match self.walked.next() {
                        Ok(left) => left,
                        Err(bound) => return Poll::Ready(Some(Err(ended(bound, &request)))),
                    };
                    request.answer_bytes = bytes;
                    let (client, asked, own) = (self.client.clone(), self.asked.clone(), self.own.clone());
                    let page = fetch(client, *request, asked, own, self.walked, time);
                    self.state = State::Asking(Box::pin(page));
                }
                State::Asking(mut page) => match page.as_mut().poll(context) {
                    Poll::Pending => {
                        self.state = State::Asking(page);
                        return Poll::Pending;
                    }
                    ready => {
                        let page = match ready!(ready) {
                            Ok(page) => page,
                            Err(error) => return Poll::Ready(Some(Err(error))),
                        };
                        if let Err(bound) = self.walked.count(page.entries.len(), page.bytes, page.took) {
                            return Poll::Ready(Some(Err(ended(bound, &page.request))));
                        }
                        (self.own, self.said) = (page.own, page.said);
                        self.state = page.next.map_or(State::Done, |next| State::Next(Box::new(next)));
                        return Poll::Ready(Some(Ok(page.entries)));
                    }
                },
            }
        }
    }

    /// The server's notes on the last page.
    pub(crate) fn said(&self) -> &Said {
        &self.said
    }
}

/// The error of a walk that reached a limit.
fn ended(bound: Bound, request: &Request) -> Error {
    Error::new(Kind::Bound(bound)).of(&request.method, &request.subject, 0)
}

async fn fetch(
    client: FhirClient,
    request: Request,
    asked: Arc<str>,
    own: Option<Arc<OwnBase>>,
    walked: Walked,
    time: Duration,
) -> Result<Page, Error> {
    let began = Instant::now();
    let answer = match tokio::time::timeout(time, client.send(&request)).await {
        Err(_) => return Err(ended(walked.out_of_time(), &request)),
        Ok(Err(error)) if error.is_too_large() && request.answer_bytes < client.answer_bytes() => {
            return Err(ended(walked.out_of_bytes(), &request));
        }
        Ok(answer) => answer?,
    };
    let (took, bytes) = (began.elapsed(), answer.body().len());
    let date =
        answer.headers().get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    let bundle: Bundle<Box<RawValue>> = decode_resource(&request, &answer, "Bundle")?;
    let base = client.base_url();
    let own_link = bundle.link("self");
    let own = own.or_else(|| OwnBase::read(base, &asked, own_link?).map(Arc::new));
    let next = match bundle.link("next") {
        None => None,
        Some(link) => {
            let url = page_link::resolve(base, &asked, own.as_deref(), own_link, link)
                .map_err(|what| failure(&request, &answer, Kind::PageLink(what)))?;
            Some(Request::new(Method::GET, &url, request.subject.as_str())?.no_cache())
        }
    };
    let said = Said { date, own_link: bundle.link("self").map(str::to_owned), total: bundle.total };
    Ok(Page { entries: bundle.entry, next, own, said, bytes, took, request })
}
