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

use crate::client::FhirClient;
use crate::client::answer::{decode_resource, failure};
use crate::client::error::{Error, Kind};
use crate::client::page_limits::{Bound, PageLimits, Walked};
use crate::client::page_link::{self, OwnBase};
use crate::client::request::{Request, Target};
use crate::fhir::{Bundle, BundleEntry};

pub(crate) use self::place::Place;

pub(crate) type Entry = BundleEntry<Box<RawValue>>;

/// Entry after entry of a bundle that comes in pages. It holds one page, and eight bytes of each page before.
pub(crate) struct Pages {
    client: FhirClient,
    state: State,
    entries: vec::IntoIter<Entry>,
    /// The path by which the first page was asked for.
    asked: Arc<str>,
    /// The server's own idea of its base URL, once the first page has told it.
    own: Option<Arc<OwnBase>>,
    walked: Walked,
    /// The server's notes on the last page.
    said: Said,
    seen: HashSet<u64>,
    hasher: RandomState,
}

enum State {
    /// The next page is to be asked for.
    Next(Box<Request>),
    /// Nothing can be asked for, by a mistake to be told.
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
pub(crate) struct Said {
    /// When the server answered, by its own clock, to the second.
    pub(crate) date: Option<SystemTime>,
    /// `Bundle.link[self]`: what the server searched for.
    pub(crate) own_link: Option<String>,
    /// `Bundle.total`: how many resources or versions all pages have.
    pub(crate) total: Option<u64>,
}

impl Pages {
    /// The pages that begin at a place.
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

    /// Sets other limits, before anything is asked for.
    pub(crate) fn limit(&mut self, limits: PageLimits) {
        self.walked = Walked::new(limits);
    }

    /// The pages from a place on that was kept of an earlier walk over the pages of `target`.
    #[cfg(feature = "registration")]
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

    /// Where the next page is, to go on there later. `None` where no page follows.
    #[cfg(feature = "registration")]
    pub(crate) fn place(&self) -> Option<Place> {
        let State::Next(request) = &self.state else { return None };
        Place::of(self.client.base_url(), request, self.own.as_deref())
    }

    /// Has the server refuse a parameter of the first page that it does not know.
    pub(crate) fn strict(&mut self) {
        if let State::Next(request) = &mut self.state {
            request.make_strict();
        }
    }

    /// Ends it, after an error: what came behind could not be trusted to be whole.
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

    /// The next page as a whole; what is left of the one before is not in it.
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

/// The error of a walk that has come to a limit.
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
