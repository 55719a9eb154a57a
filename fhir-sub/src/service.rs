//! The whole of a request: authenticate, route, decode, extract, handle, answer.
//!
//! It works on a borrowed [`Head`] and body, so that neither a Lambda event nor an `http::Request` is
//! rebuilt to reach it, and it knows neither environment nor network: the adapters do.

mod answer;
mod authenticate;
#[cfg(feature = "__parts")]
pub(crate) mod parts;
#[cfg(feature = "registration")]
mod register;
mod route;
#[cfg(feature = "registration")]
mod status;
#[cfg(feature = "registration")]
mod sweep;
pub(crate) mod unhandled;

pub(crate) use answer::Answer;
pub(crate) use route::Route;

use crate::app::App;
use crate::deadline::Deadline;
use crate::delivery::record::Record;
use crate::delivery::{dead_letters, dispatch};
use crate::memory::Numbering;
use crate::request::Head;

/// An answer, and what the log says of it.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) answer: Answer,
    pub(crate) record: Record,
    /// Those of the further events of a notification.
    pub(crate) further: Vec<Record>,
}

impl Answered {
    pub(crate) fn new(answer: Answer, record: Record) -> Self {
        Self { answer, record, further: Vec::new() }
    }

    /// Says in the log what the event's number is among those that came.
    pub(crate) fn numbered(mut self, numbering: Numbering) -> Self {
        self.record.set_numbering(numbering);
        self
    }

    /// Every record, in the order of the events.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        std::iter::once(&self.record).chain(&self.further)
    }
}

impl App {
    /// Who calls, and what for. Nothing but the head has been looked at, so a stranger costs nothing.
    pub(crate) fn admit(&self, head: &Head<'_>) -> Result<Route, Answered> {
        route::admit(self, head)
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
            Route::Health => Answered::new(Answer::healthy(), Record::health()),
            Route::Endpoint { declaration, .. }
                if !authenticate::is_signed(self.settings(), head.headers, body) =>
            {
                Answered::new(Answer::unsigned(), Record::refused(Some(declaration.endpoint), "unsigned"))
            }
            Route::Endpoint { declaration, reference } => {
                dispatch::dispatch(self, head, declaration, reference, body, deadline).await
            }
            Route::DeadLetters(request) => dead_letters::answer(self, request, deadline).await,
            #[cfg(feature = "registration")]
            Route::Register { options } => register::register(self, options, deadline).await,
            #[cfg(feature = "registration")]
            Route::Status => status::status(self, deadline).await,
            #[cfg(feature = "registration")]
            Route::Sweep { options } => sweep::answer(self, options, deadline).await,
        }
    }

    /// The answer to a body that is larger than the app takes.
    pub(crate) fn too_large(&self) -> Answered {
        Answered::new(Answer::too_large(self.settings().body_limit), Record::refused(None, "too large"))
    }

    /// The answer to a body that did not arrive whole, should the caller still be there to read it.
    pub(crate) fn broken_off(&self) -> Answered {
        Answered::new(Answer::malformed("the body did not arrive whole"), Record::refused(None, "broken off"))
    }

    /// The answer to a body that took longer than a request may.
    pub(crate) fn late(&self) -> Answered {
        Answered::new(Answer::out_of_time(), Record::refused(None, "out of time"))
    }
}

#[cfg(test)]
mod tests;
