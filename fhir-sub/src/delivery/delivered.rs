//! [`Delivered`]: what became of an event. The answer, the log line, and whether it must come again are each derived from it.

use std::borrow::Cow;

use super::failure::Failure;
use crate::event::Event;
use crate::memory::Numbering;
use crate::settings::LogSettings;

/// What became of an event, whoever told of it.
#[derive(Debug)]
pub(crate) struct Delivered {
    pub(crate) endpoint: &'static str,
    pub(crate) event: Box<Event>,
    pub(crate) end: End,
    /// It failed for the last time, and is a dead letter now.
    pub(crate) given_up: Option<GivenUp>,
    /// Whether its handler, if that ran, had as much time as is fair: one that had less has not been tried.
    pub(crate) had_fair_time: bool,
    /// What the event's number is among those that came.
    pub(crate) numbering: Numbering,
}

/// How the delivery of an event ended.
#[derive(Debug)]
pub(crate) enum End {
    /// Its handler has succeeded.
    Handled,
    /// It was handled before, or given up.
    Repeated,
    /// A newer version was handled before, and only the latest is wanted.
    Superseded,
    /// The server was not told, or does not heed, what is wanted.
    NotWanted,
    /// Its resource is there no more, for a handler that cannot do without. A server that lags behind, or lets the program
    /// see less than it tells of, says the same.
    Gone,
    /// It names nothing, and a search has found what it is about, which is delivered by itself.
    LookedUp,
    /// It names nothing, and a search has found nothing.
    NothingFound,
    /// The same, where there is more than may be handled at once.
    NotAllFound,
    /// Another is at it.
    UnderWay,
    /// There was no time left for it.
    NotBegun,
    /// Its resource could not be read.
    Unread(Failure),
    /// It is a deletion of what the server still has.
    Unconfirmed,
    /// It could not be told whether it was handled before.
    StoreUnavailable(Failure),
    /// Instances of the program died at it as often as it may be tried.
    Died,
    /// Its resource is no JSON. A caller may be told the text.
    Malformed(Cow<'static, str>),
    /// It, or its resource, is not what the handler takes. A caller may be told the text.
    Unprocessable(Cow<'static, str>),
    /// An extractor of the user's has refused it. A caller may be told the text.
    Rejected(&'static str, Failure),
    /// Its resource is on a server that the app does not read, and its handler needs it.
    Elsewhere(Failure),
    /// Its handler failed, and another try may succeed.
    Failed(Failure),
    /// Its handler says that no other try can succeed.
    FailedForGood(Failure),
    /// Its handler has panicked.
    Panicked,
    /// Its handler took longer than there was time.
    OutOfTime,
}

/// Who remembers what was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GivenUp {
    /// A durable store: whoever sent it has nothing more to do.
    Kept,
    /// This process, until it ends: the server must not take it for done.
    InMemory,
}

/// What became of an event, for whoever asks no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Its handler has succeeded.
    Handled,
    /// It, or a newer version where only the latest is wanted, was handled before.
    AlreadyHandled,
    /// There was nothing to do, and never will be.
    NothingToDo,
    /// It was given up, now or before.
    Dead,
    /// Another is at it.
    UnderWay,
    /// It is still to be handled.
    Failed,
}

/// What whoever sent it has to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// Nothing.
    Nothing,
    /// Nothing that would help: it is refused.
    Refused,
    /// To send it again.
    Again,
}

impl Delivered {
    pub(crate) fn new(endpoint: &'static str, event: impl Into<Box<Event>>, end: End) -> Self {
        let event = event.into();
        Self { endpoint, event, end, given_up: None, had_fair_time: true, numbering: Numbering::InOrder }
    }

    /// The same, with what its number is among those that came.
    pub(crate) fn numbered(self, numbering: Numbering) -> Self {
        Self { numbering, ..self }
    }

    /// What whoever sent it has to do about it.
    pub(crate) fn due(&self) -> Due {
        match self.given_up {
            Some(GivenUp::Kept) => Due::Nothing,
            Some(GivenUp::InMemory) | None => self.end.due(),
        }
    }

    /// Whether it must come again.
    pub(crate) fn must_come_again(&self) -> bool {
        self.due() == Due::Again
    }

    /// What became of it.
    pub(crate) fn ended(&self) -> Ended {
        if self.given_up.is_some() { Ended::Dead } else { self.end.ended() }
    }

    /// Whether its handler was called.
    pub(crate) fn ran(&self) -> bool {
        use End::{Failed, FailedForGood, Handled, OutOfTime, Panicked};
        matches!(self.end, Handled | Failed(_) | FailedForGood(_) | Panicked | OutOfTime)
    }
}

impl End {
    fn due(&self) -> Due {
        match self {
            Self::Handled
            | Self::Repeated
            | Self::Superseded
            | Self::NotWanted
            | Self::Gone
            | Self::LookedUp
            | Self::NothingFound => Due::Nothing,
            Self::Malformed(_)
            | Self::Unprocessable(_)
            | Self::Rejected(..)
            | Self::Elsewhere(_)
            | Self::FailedForGood(_) => Due::Refused,
            Self::NotAllFound
            | Self::UnderWay
            | Self::NotBegun
            | Self::Unread(_)
            | Self::Unconfirmed
            | Self::StoreUnavailable(_)
            | Self::Failed(_)
            | Self::Died
            | Self::Panicked
            | Self::OutOfTime => Due::Again,
        }
    }

    fn ended(&self) -> Ended {
        match self {
            Self::Handled => Ended::Handled,
            Self::Repeated | Self::Superseded => Ended::AlreadyHandled,
            Self::NotWanted | Self::Gone | Self::LookedUp | Self::NothingFound => Ended::NothingToDo,
            Self::UnderWay => Ended::UnderWay,
            _ => Ended::Failed,
        }
    }

    /// The error, where there was one.
    pub(super) fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Unread(failure)
            | Self::StoreUnavailable(failure)
            | Self::Rejected(_, failure)
            | Self::Elsewhere(failure)
            | Self::Failed(failure)
            | Self::FailedForGood(failure) => Some(failure),
            _ => None,
        }
    }

    /// What the log says of it beside its [words](Self::words).
    pub(super) fn into_failure(self) -> Option<Failure> {
        match self {
            Self::Malformed(text) | Self::Unprocessable(text) => Some(Failure::refused(text)),
            Self::Unread(failure)
            | Self::StoreUnavailable(failure)
            | Self::Rejected(_, failure)
            | Self::Elsewhere(failure)
            | Self::Failed(failure)
            | Self::FailedForGood(failure) => Some(failure),
            _ => None,
        }
    }

    /// How it ended, in the words of the log.
    pub(crate) fn words(&self) -> &'static str {
        match self {
            Self::Handled => "handled",
            Self::Repeated => "handled before",
            Self::Superseded => "superseded",
            Self::NotWanted => "not wanted",
            Self::Gone => "gone",
            Self::LookedUp => "looked up",
            Self::NothingFound => "nothing found",
            Self::NotAllFound => "too many found",
            Self::UnderWay => "under way elsewhere",
            Self::NotBegun | Self::OutOfTime => "out of time",
            Self::Unread(_) => "unread",
            Self::Unconfirmed => "not confirmed",
            Self::StoreUnavailable(_) => "store unavailable",
            Self::Died => "died",
            Self::Malformed(_) => "malformed",
            Self::Unprocessable(_) | Self::Rejected(..) => "unprocessable",
            Self::Elsewhere(_) => "on another server",
            Self::Failed(_) => "failed",
            Self::FailedForGood(_) => "failed for good",
            Self::Panicked => "panicked",
        }
    }
}

/// The event's resource, if the settings let the log name it.
pub(super) fn reference(event: &Event, settings: LogSettings) -> Option<&str> {
    event.focus().filter(|_| settings.references)
}
