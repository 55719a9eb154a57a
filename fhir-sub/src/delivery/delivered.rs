//! [`Delivered`]: the result of an event. The answer, the log line and the need to retry are derived from it.

use std::borrow::Cow;

use super::failure::Failure;
use crate::event::Event;
use crate::memory::Numbering;
use crate::settings::LogSettings;

/// The result of an event, whatever its source.
#[derive(Debug)]
pub(crate) struct Delivered {
    pub(crate) endpoint: &'static str,
    pub(crate) event: Box<Event>,
    pub(crate) end: End,
    /// Set if it failed for the last time, and is now a dead letter.
    pub(crate) given_up: Option<GivenUp>,
    /// Whether the handler had a fair share of time, if it ran. Otherwise the run does not count as a try.
    pub(crate) had_fair_time: bool,
    /// How the event's number compares with the numbers before it.
    pub(crate) numbering: Numbering,
}

/// How the delivery of an event ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The handler succeeded.
    Handled,
    /// It was handled or given up before.
    Repeated,
    /// The handler wants only the latest version, and a newer one was handled before.
    Superseded,
    /// The handler does not want such events. The server does not know that, or ignores it.
    NotWanted,
    /// The resource is gone, and the handler needs it. A server says the same if it lags behind, or if it
    /// notifies the program of a resource that the program may not read.
    Gone,
    /// It names no resource. A search found resources, and each of them is delivered as an event of its own.
    LookedUp,
    /// It names no resource, and a search found none.
    NothingFound,
    /// It names no resource, and a search found more resources than may be handled at once.
    NotAllFound,
    /// Another request or instance is handling it.
    UnderWay,
    /// No time was left for it.
    NotBegun,
    /// Its resource could not be read.
    Unread(Failure),
    /// It reports a deletion, and the server still has the resource.
    Unconfirmed,
    /// The store could not say whether it was handled before.
    StoreUnavailable(Failure),
    /// It killed an instance of the program on each allowed try.
    Died,
    /// Its resource is not JSON. The answer may contain the text.
    Malformed(Cow<'static, str>),
    /// The handler cannot take the event or its resource. The answer may contain the text.
    Unprocessable(Cow<'static, str>),
    /// An extractor of the user's refused it. The answer may contain the text.
    Rejected(&'static str, Failure),
    /// The handler needs the resource, which is on a server that the app does not read.
    Elsewhere(Failure),
    /// The handler failed, and another try may succeed.
    Failed(Failure),
    /// The handler says that no other try can succeed.
    FailedForGood(Failure),
    /// The handler panicked.
    Panicked,
    /// The handler did not finish in time.
    OutOfTime,
}

/// Where the dead letter is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GivenUp {
    /// In a durable store: the sender need not retry.
    Kept,
    /// In this process, until it ends: the server must not count the event as done.
    InMemory,
}

/// The result of an event, in coarse classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The handler succeeded.
    Handled,
    /// It was handled before, or a newer version was and only the latest is wanted.
    AlreadyHandled,
    /// There was nothing to do, and there never will be.
    NothingToDo,
    /// It was given up now. An event that was given up before counts as handled.
    Dead,
    /// Another request or instance is handling it.
    UnderWay,
    /// It must be handled again.
    Failed,
}

/// The sender's duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// Nothing.
    Nothing,
    /// Nothing, because a retry would not help: the event is refused.
    Refused,
    /// Send the event again.
    Again,
}

impl Delivered {
    pub(crate) fn new(endpoint: &'static str, event: impl Into<Box<Event>>, end: End) -> Self {
        let event = event.into();
        Self { endpoint, event, end, given_up: None, had_fair_time: true, numbering: Numbering::InOrder }
    }

    pub(crate) fn numbered(self, numbering: Numbering) -> Self {
        Self { numbering, ..self }
    }

    /// The sender's duty.
    pub(crate) fn due(&self) -> Due {
        match self.given_up {
            Some(GivenUp::Kept) => Due::Nothing,
            Some(GivenUp::InMemory) | None => self.end.due(),
        }
    }

    pub(crate) fn must_come_again(&self) -> bool {
        self.due() == Due::Again
    }

    pub(crate) fn ended(&self) -> Ended {
        if self.given_up.is_some() { Ended::Dead } else { self.end.ended() }
    }

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

    /// The error for the log line, beside its [words](Self::words).
    pub(super) fn into_failure(self) -> Option<Failure> {
        match self {
            Self::Malformed(text) | Self::Unprocessable(text) => Some(Failure::refused(text)),
            end => end.failure().cloned(),
        }
    }

    /// The result, in the words of the log.
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
