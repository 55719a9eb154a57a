//! The whole of a request: authenticate, route, decode, extract, handle, answer.
//!
//! It works on a borrowed [`Head`] and body, so that neither a Lambda event nor an `http::Request` is
//! rebuilt to reach it, and it knows neither environment nor network: the adapters do.

mod answer;
mod authenticate;
mod dead_letters;
#[cfg(feature = "queue")]
mod enqueue;
#[cfg(feature = "events")]
mod message;
mod notify;
#[cfg(feature = "__parts")]
pub(crate) mod parts;
mod refusal;
#[cfg(feature = "registration")]
mod register;
mod route;
#[cfg(feature = "registration")]
mod status;
#[cfg(feature = "registration")]
mod sweep;
mod unhandled;
#[cfg(feature = "registration")]
mod work;

use http::StatusCode;

pub(crate) use answer::Answer;
#[cfg(all(test, feature = "testing"))]
pub(crate) use authenticate::Owed;
#[cfg(feature = "events")]
pub(crate) use message::{Carried, Message};
pub(crate) use route::Route;
#[cfg(feature = "registration")]
pub(crate) use status::status_of;

use self::authenticate::Shown;
use self::refusal::Refusal;
use crate::app::App;
use crate::deadline::Deadline;
use crate::delivery::{Record, Severity, Time};
use crate::request::Head;

/// An answer, and what the log says of it.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) answer: Answer,
    pub(crate) record: Record,
    /// Those of the further events of a notification.
    pub(crate) further: Vec<Record>,
    /// Whether nothing is left to do. A message of a queue that is not done must come again.
    #[cfg_attr(not(feature = "events"), allow(dead_code, reason = "only queues and buses ask"))]
    pub(crate) is_done: bool,
}

impl Answered {
    fn new(answer: Answer, record: Record) -> Self {
        Self { answer, record, further: Vec::new(), is_done: true }
    }

    /// Every record, in the order of the events.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        std::iter::once(&self.record).chain(&self.further)
    }
}

impl App {
    /// Who calls, and what for. Nothing but the head has been looked at, so a stranger costs nothing. Only an access token is
    /// waited for, where the issuer's keys must be fetched.
    pub(crate) async fn admit(&self, head: &Head<'_>, deadline: Deadline) -> Result<Route, Answered> {
        if route::is_health(head) {
            return Ok(Route::Health);
        }
        let caller = match authenticate::by_header(self.settings(), head.headers) {
            Shown::Right(caller) => Ok(caller),
            Shown::Wrong => Err(Refusal::Unauthorized),
            // Boxed: most callers show the secret, and the future of each would be as large.
            Shown::Nothing => Box::pin(authenticate::otherwise(self, head, deadline)).await,
        };
        caller.map_err(|refusal| refusal.answered(None)).and_then(|caller| route::find(self, head, caller))
    }

    /// The answer to an admitted request.
    pub(crate) async fn answer(
        &self,
        head: &Head<'_>,
        route: Route,
        body: &[u8],
        deadline: Deadline,
    ) -> Answered {
        match route {
            Route::Health => {
                let answer = Answer::json(StatusCode::OK, r#"{"status":"ok"}"#.to_owned());
                Answered::new(answer, Record::request(Some("health"), "healthy", Severity::Silent))
            }
            Route::Endpoint { declaration, owes, .. }
                if !authenticate::is_signed(self.settings(), owes, head.headers, body) =>
            {
                Refusal::Unsigned.answered(Some(declaration.endpoint))
            }
            #[cfg(feature = "queue")]
            Route::Endpoint { declaration, reference, .. } if self.queue().is_some() => {
                // Boxed: the future of every other request would be as large.
                Box::pin(enqueue::answer(self, head, declaration, reference, body, deadline)).await
            }
            Route::Endpoint { declaration, reference, .. } => {
                let time = Time::until(deadline.min(notify::sent_again(declaration)));
                notify::notify(self, head, declaration, reference, body, time).await
            }
            Route::DeadLetters(request) => Box::pin(dead_letters::answer(self, request, deadline)).await,
            #[cfg(feature = "registration")]
            Route::Register { options } => Box::pin(register::register(self, options, deadline)).await,
            #[cfg(feature = "registration")]
            Route::Status => Box::pin(status::status(self, deadline)).await,
            #[cfg(feature = "registration")]
            Route::Sweep { options } => Box::pin(sweep::answer(self, options, deadline)).await,
        }
    }

    /// The answer to a body that is larger than the app takes.
    pub(crate) fn too_large(&self) -> Answered {
        Refusal::TooLarge(self.settings().body_limit).answered(None)
    }

    /// The answer to a body that did not arrive whole, should the caller still be there to read it.
    pub(crate) fn broken_off(&self) -> Answered {
        Refusal::BrokenOff.answered(None)
    }

    /// The answer to a body that took longer than a request may.
    pub(crate) fn late(&self) -> Answered {
        Refusal::Late.answered(None)
    }
}

#[cfg(test)]
mod tests;
