//! Handles a whole request: authenticate, route, decode, extract, handle, answer.
//!
//! The service borrows the [`Head`] and the body, so neither a Lambda event nor an `http::Request` is
//! rebuilt. It reads no environment. It reaches the FHIR server only through `FhirClient`, the store only through
//! `StoreBackend`, and an issuer of access tokens only for its keys.

mod answer;
mod authenticate;
mod dead_letters;
#[cfg(feature = "queue")]
mod enqueue;
#[cfg(feature = "events")]
mod message;
#[cfg(feature = "local")]
mod metrics;
mod notify;
#[cfg(feature = "__parts")]
pub(crate) mod parts;
mod ready;
mod refusal;
#[cfg(feature = "registration")]
mod register;
mod route;
#[cfg(feature = "registration")]
mod silent;
#[cfg(feature = "registration")]
mod status;
#[cfg(feature = "registration")]
mod sweep;
mod traced;
mod unhandled;
#[cfg(feature = "registration")]
mod work;

use std::borrow::Cow;
use std::time::Duration;

use futures_util::future::Either;
use http::StatusCode;
use tracing::Span;

pub(crate) use answer::Answer;
#[cfg(test)]
pub(crate) use authenticate::Owed;
#[cfg(feature = "events")]
pub(crate) use message::{Carried, Message};
pub(crate) use route::Route;
#[cfg(feature = "local")]
pub(crate) use route::open;
#[cfg(feature = "registration")]
pub(crate) use status::status_of;
pub(crate) use traced::{Host, within};

use self::authenticate::Shown;
use self::refusal::Refusal;
use crate::app::App;
use crate::deadline::Deadline;
use crate::decode::says_nothing;
use crate::delivery::{Record, Severity, Time};
use crate::request::Head;

/// An answer, and its log lines.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) answer: Answer,
    pub(crate) record: Record,
    /// The records of a notification's other events.
    pub(crate) further: Vec<Record>,
    /// Whether nothing is left to do. If something is, a queue must deliver the message again.
    #[cfg_attr(not(feature = "events"), allow(dead_code, reason = "only queues and buses ask"))]
    pub(crate) is_done: bool,
    /// The span in which the request was answered, and in which its log lines are written.
    span: Option<Box<Span>>,
}

impl Answered {
    fn new(answer: Answer, record: Record) -> Self {
        Self { answer, record, further: Vec::new(), is_done: true, span: None }
    }

    /// All records, in the order of the events.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        std::iter::once(&self.record).chain(&self.further)
    }

    /// Writes the log lines.
    pub(crate) fn write(&self, app: &App, elapsed: Duration, request_id: Option<&str>) {
        let _within = self.span.as_deref().map(Span::enter);
        for record in self.records() {
            record.write(app, elapsed, request_id);
        }
    }
}

impl App {
    /// Authenticates and routes a request. This reads only the head, so a stranger costs little. It waits only for the
    /// keys of a token's issuer and, at most once a minute, for secrets that are references.
    pub(crate) fn admit<'a>(
        &'a self,
        head: &'a Head<'a>,
        deadline: Deadline,
    ) -> impl Future<Output = Result<Route, Answered>> + 'a {
        if let Some(route) = route::open(head.method, head.path) {
            return Either::Left(std::future::ready(Ok(route)));
        }
        // The path names no tenant, so no secret can be right.
        if self.has_tenants() {
            return Either::Left(std::future::ready(Err(Refusal::Unauthorized.answered(None))));
        }
        Either::Right(match self.current() {
            Cow::Borrowed(app) => Either::Left(self.admit_to(app, head, deadline)),
            // Boxed, because few programs need this, and a future is as large as its largest branch.
            Cow::Owned(app) => {
                Either::Right(Box::pin(async move { self.admit_to(&app, head, deadline).await }))
            }
        })
    }

    /// The same with `app`, which has the secrets that were read last.
    async fn admit_to(&self, app: &Self, head: &Head<'_>, deadline: Deadline) -> Result<Route, Answered> {
        let caller = match authenticate::by_header(app.settings(), head.headers) {
            Shown::Right(caller) => Ok(caller),
            // Boxed, as below. The secret may be new since a rotation.
            Shown::Wrong => Box::pin(authenticate::rotated(self, app, head, deadline)).await,
            // Boxed, to keep the future small: most callers show the secret.
            Shown::Nothing => Box::pin(authenticate::otherwise(app, head, deadline)).await,
        };
        let caller = caller.map_err(|refusal| refusal.answered(None))?;
        self.keep_secrets_fresh();
        route::find(app, head, caller)
    }

    /// The route of a request from the desk. The person who runs the program need not authenticate.
    #[cfg(feature = "inspector")]
    pub(crate) fn admit_own(&self, head: &Head<'_>) -> Result<Route, Answered> {
        route::find(self, head, authenticate::NOTIFIER)
    }

    /// The answer to an admitted request that comes from no host.
    pub(crate) fn answer<'a>(
        &'a self,
        head: &'a Head<'a>,
        route: Route,
        body: &'a [u8],
        deadline: Deadline,
    ) -> impl Future<Output = Answered> + use<'a> {
        self.answer_from(Host::Invocation(None), head, route, body, deadline)
    }

    /// The answer to an admitted request. It is made within a span if `setup` wants spans.
    pub(crate) fn answer_from<'a>(
        &'a self,
        host: Host<'_>,
        head: &'a Head<'a>,
        route: Route,
        body: &'a [u8],
        deadline: Deadline,
    ) -> impl Future<Output = Answered> + use<'a> {
        let span = self.span_of(host, head, &route);
        match self.current() {
            Cow::Borrowed(app) if span.is_none() && is_signed(app, &route, head, body) => {
                Either::Left(app.answer_now(head, route, body, deadline))
            }
            // Boxed, as above.
            app => Either::Right(Box::pin(within(span, async move {
                let app = if is_signed(&app, &route, head, body) {
                    app
                } else {
                    // The secret may be new since a rotation.
                    match self.renewed(&app, deadline).await {
                        Some(newer) if is_signed(&newer, &route, head, body) => Cow::Owned(newer),
                        _ => return Refusal::Unsigned.answered(route.endpoint()),
                    }
                };
                app.answer_now(head, route, body, deadline).await
            }))),
        }
    }

    async fn answer_now(&self, head: &Head<'_>, route: Route, body: &[u8], deadline: Deadline) -> Answered {
        // Some libraries write a byte order mark. RFC 8259 allows a reader to ignore it.
        let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
        match route {
            Route::Health => {
                let answer = Answer::json(StatusCode::OK, r#"{"status":"ok"}"#.to_owned());
                Answered::new(answer, Record::request(Some("health"), "healthy", Severity::Silent))
            }
            Route::Ready => Box::pin(ready::answer(self)).await,
            #[cfg(feature = "local")]
            Route::Metrics => match self.counters() {
                Some(counters) => metrics::answer(self, counters),
                None => Refusal::UnknownEndpoint.answered(None),
            },
            #[cfg(feature = "queue")]
            Route::Endpoint { declaration, reference, .. } if self.queue().is_some() => {
                // Boxed, to keep the future of other requests small.
                Box::pin(enqueue::answer(self, head, declaration, reference, body, deadline)).await
            }
            Route::Endpoint { declaration, reference, .. } => {
                let time = Time::until(deadline.min(notify::sent_again(declaration)));
                notify::notify(self, head, declaration, reference, body, time).await
            }
            Route::DeadLetters(request) => Box::pin(dead_letters::answer(self, request, deadline)).await,
            #[cfg(feature = "registration")]
            Route::Register { options } => {
                Box::pin(async {
                    let app = self.with_secrets_of_now(deadline).await;
                    register::register(&app, options, deadline).await
                })
                .await
            }
            #[cfg(feature = "registration")]
            Route::Status => Box::pin(status::status(self, deadline)).await,
            #[cfg(feature = "registration")]
            Route::Sweep { options } => Box::pin(sweep::answer(self, options, deadline)).await,
        }
    }

    /// The answer to a body that is larger than the limit.
    pub(crate) fn too_large(&self) -> Answered {
        Refusal::TooLarge(self.settings().body_limit).answered(None)
    }

    /// The answer to a request if there is no memory for its body now.
    pub(crate) fn busy(&self) -> Answered {
        Refusal::Busy.answered(None)
    }

    /// The answer to a body that did not arrive whole, in case the caller still reads it.
    pub(crate) fn broken_off(&self) -> Answered {
        Refusal::BrokenOff.answered(None)
    }

    /// The answer to a body that took too long to arrive.
    pub(crate) fn late(&self) -> Answered {
        Refusal::Late.answered(None)
    }
}

/// Whether a notification has the signature that its caller owes. Other requests owe none.
fn is_signed(app: &App, route: &Route, head: &Head<'_>, body: &[u8]) -> bool {
    match route {
        // Nothing that is signed names the resource.
        Route::Endpoint { reference: Some(_), owes, .. } if owes.is_all() && says_nothing(body) => false,
        Route::Endpoint { owes, .. } => authenticate::is_signed(app.settings(), *owes, head.headers, body),
        _ => true,
    }
}

#[cfg(test)]
mod tests;
