//! [`Record`]: the one log line of a request, or of each of its events.

use std::panic::{AssertUnwindSafe, Location};
use std::time::Duration;

use tracing::{error, info, warn};

use crate::client;
use crate::error::Error;
use crate::event::Event;
use crate::memory::{Numbering, Range};
use crate::settings::LogSettings;
use crate::store::Unavailable;

/// What the log says of a request: names and numbers, nothing that a resource or a caller said.
#[derive(Debug)]
pub(crate) struct Record {
    endpoint: Option<&'static str>,
    event: Option<Event>,
    outcome: &'static str,
    ended: Ended,
    /// Whether the handler was called.
    #[cfg_attr(not(feature = "testing"), expect(dead_code, reason = "only tests ask"))]
    ran: bool,
    severity: Severity,
    failure: Option<Failure>,
    /// What the event's number is among those that came; of a notification of none, what its count says.
    numbering: Numbering,
}

/// What became of an event.
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

#[derive(Clone, Copy, Debug)]
enum Severity {
    Silent,
    Fine,
    Doubtful,
    Refused,
    Failed,
}

/// What the error was, of a handler or of reading for it.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    kind: &'static str,
    place: Option<&'static Location<'static>>,
    text: Option<String>,
}

impl Failure {
    /// Reading ended in a panic, of a token provider of the user's.
    pub(crate) const PANICKED: Self = Self { kind: "panic", place: None, text: None };

    /// What is told of `error`, whose text names no id and quotes nothing.
    pub(crate) fn of_reading(error: &client::Error) -> Self {
        Self { kind: std::any::type_name::<client::Error>(), place: None, text: Some(error.to_string()) }
    }

    /// What is told of a store that is down, whose words name no resource.
    pub(crate) fn of_store(unavailable: &Unavailable) -> Self {
        Self { kind: std::any::type_name::<Unavailable>(), place: None, text: Some(unavailable.to_string()) }
    }

    /// What is told of `error`; its text only where it may be quoted.
    pub(crate) fn new(error: &Error, quote: bool) -> Self {
        // The text is written by the user's code, which may panic there as anywhere.
        let text = || std::panic::catch_unwind(AssertUnwindSafe(|| chain(error.source()))).ok();
        Self { kind: error.kind(), place: error.place(), text: quote.then(text).flatten() }
    }
}

impl Record {
    /// A request that was no notification, or none that could be read.
    pub(crate) fn refused(endpoint: Option<&'static str>, outcome: &'static str) -> Self {
        Self {
            endpoint,
            event: None,
            outcome,
            ended: Ended::Failed,
            ran: false,
            severity: Severity::Refused,
            failure: None,
            numbering: Numbering::InOrder,
        }
    }

    /// A request that needs no line at all: load balancers ask for health every few seconds.
    pub(crate) fn health() -> Self {
        Self { severity: Severity::Silent, ..Self::refused(Some("health"), "healthy") }
    }

    /// A notification for which there was nothing to do.
    pub(crate) fn not_wanted(endpoint: &'static str, event: Event) -> Self {
        Self {
            event: Some(event),
            ended: Ended::NothingToDo,
            severity: Severity::Fine,
            ..Self::refused(Some(endpoint), "not wanted")
        }
    }

    /// A notification of no event: a handshake, a heartbeat, and the like.
    pub(crate) fn notice(endpoint: &'static str, notice: &'static str) -> Self {
        Self { ended: Ended::NothingToDo, severity: Severity::Fine, ..Self::refused(Some(endpoint), notice) }
    }

    /// An event whose resource is there no more, for a handler that cannot do without. A server that lags behind, or lets
    /// the program see less than it tells of, says the same.
    pub(crate) fn gone(endpoint: &'static str, event: Event) -> Self {
        Self { outcome: "gone", severity: Severity::Doubtful, ..Self::not_wanted(endpoint, event) }
    }

    /// An event whose resource could not be read.
    pub(crate) fn unread(endpoint: &'static str, event: Event, failure: Failure) -> Self {
        Self { ran: false, ..Self::failed(endpoint, event, "unread", Some(failure)) }
    }

    /// A deletion of what the server still has.
    pub(crate) fn unconfirmed(endpoint: &'static str, event: Event) -> Self {
        Self { severity: Severity::Failed, ..Self::rejected(endpoint, event, "not confirmed") }
    }

    /// A notification that was handled.
    pub(crate) fn handled(endpoint: &'static str, event: Event) -> Self {
        Self { ran: true, ended: Ended::Handled, outcome: "handled", ..Self::not_wanted(endpoint, event) }
    }

    /// An event that was handled before.
    pub(crate) fn repeated(endpoint: &'static str, event: Event) -> Self {
        Self { ended: Ended::AlreadyHandled, outcome: "handled before", ..Self::not_wanted(endpoint, event) }
    }

    /// An event of which a newer version was handled before, and only the latest is wanted.
    pub(crate) fn superseded(endpoint: &'static str, event: Event) -> Self {
        Self { outcome: "superseded", ..Self::repeated(endpoint, event) }
    }

    /// An event that another is at.
    pub(crate) fn under_way(endpoint: &'static str, event: Event) -> Self {
        Self { ended: Ended::UnderWay, ..Self::rejected(endpoint, event, "under way elsewhere") }
    }

    /// An event that was not begun, since it could not be told whether it was handled before.
    pub(crate) fn store_unavailable(endpoint: &'static str, event: Event, failure: Failure) -> Self {
        Self { ran: false, ..Self::failed(endpoint, event, "store unavailable", Some(failure)) }
    }

    /// What failed is given up, and kept as a dead letter.
    pub(crate) fn given_up(self) -> Self {
        Self { ended: Ended::Dead, ..self }
    }

    /// A notification whose resource is not what the handler takes.
    pub(crate) fn rejected(endpoint: &'static str, event: Event, outcome: &'static str) -> Self {
        Self { event: Some(event), ..Self::refused(Some(endpoint), outcome) }
    }

    /// A notification for which there was no time left.
    pub(crate) fn not_begun(endpoint: &'static str, event: Event) -> Self {
        Self { severity: Severity::Failed, ..Self::rejected(endpoint, event, "out of time") }
    }

    /// A notification whose handling failed.
    pub(crate) fn failed(
        endpoint: &'static str,
        event: Event,
        outcome: &'static str,
        failure: Option<Failure>,
    ) -> Self {
        Self {
            event: Some(event),
            ran: true,
            severity: Severity::Failed,
            failure,
            ..Self::refused(Some(endpoint), outcome)
        }
    }

    /// A request of administration that failed.
    pub(crate) fn route_failed(route: &'static str, outcome: &'static str, failure: Failure) -> Self {
        Self { severity: Severity::Failed, failure: Some(failure), ..Self::refused(Some(route), outcome) }
    }

    /// A registration that was run.
    #[cfg(feature = "registration")]
    pub(crate) fn registration(is_complete: bool) -> Self {
        if is_complete {
            Self { severity: Severity::Fine, ..Self::refused(Some("register"), "registered") }
        } else {
            Self { severity: Severity::Failed, ..Self::refused(Some("register"), "incomplete") }
        }
    }

    /// A sweep that was run.
    #[cfg(feature = "registration")]
    pub(crate) fn sweep(is_complete: bool) -> Self {
        if is_complete {
            Self { severity: Severity::Fine, ..Self::refused(Some("sweep"), "swept") }
        } else {
            Self { severity: Severity::Failed, ..Self::refused(Some("sweep"), "incomplete") }
        }
    }

    /// A look at every subscription.
    #[cfg(feature = "registration")]
    pub(crate) fn status(is_sound: bool) -> Self {
        if is_sound {
            Self { severity: Severity::Fine, ..Self::refused(Some("status"), "sound") }
        } else {
            Self::refused(Some("status"), "unsound")
        }
    }

    /// A notification that names nothing, and what a search made of it.
    pub(crate) fn looked_up(endpoint: &'static str, event: Event, outcome: &'static str) -> Self {
        Self { outcome, ..Self::not_wanted(endpoint, event) }
    }

    /// The same, where there is more than may be handled at once.
    pub(crate) fn not_all_looked_up(endpoint: &'static str, event: Event) -> Self {
        Self { severity: Severity::Failed, ..Self::rejected(endpoint, event, "too many found") }
    }

    /// Events that did not come, and for which the server was asked.
    pub(crate) fn gap(endpoint: &'static str, numbers: &Range, outcome: &'static str) -> Self {
        let (first, last) = (*numbers.start(), *numbers.end());
        Self { numbering: Numbering::AfterGap { first, last }, ..Self::refused(Some(endpoint), outcome) }
    }

    /// The same, where the server had them all.
    pub(crate) fn gap_filled(endpoint: &'static str, numbers: &Range) -> Self {
        Self { severity: Severity::Fine, ..Self::gap(endpoint, numbers, "gap filled") }
    }

    /// The same, where the server could not be asked, or its answer not be used.
    pub(crate) fn gap_unread(endpoint: &'static str, numbers: &Range, failure: Failure) -> Self {
        Self { failure: Some(failure), ..Self::gap(endpoint, numbers, "gap unread") }
    }

    /// Says what the event's number is among those that came; of a gap, which events did not.
    pub(crate) fn set_numbering(&mut self, numbering: Numbering) {
        self.numbering = numbering;
    }

    /// What became of the event.
    pub(crate) fn ended(&self) -> Ended {
        self.ended
    }

    /// The endpoint whose handler was called.
    #[cfg(feature = "testing")]
    pub(crate) fn ran(&self) -> Option<&'static str> {
        self.endpoint.filter(|_| self.ran)
    }

    pub(crate) fn endpoint(&self) -> Option<&'static str> {
        self.endpoint
    }

    pub(crate) fn event(&self) -> Option<&Event> {
        self.event.as_ref()
    }

    /// What the event is about, where the settings let the log name it.
    pub(crate) fn reference(&self, settings: LogSettings) -> Option<&str> {
        self.event().and_then(Event::focus).filter(|_| settings.references)
    }

    /// The type of the error, which quotes nothing.
    pub(crate) fn error_kind(&self) -> Option<&'static str> {
        self.failure.as_ref().map(|failure| failure.kind)
    }

    /// How it ended, in the words of the log.
    pub(crate) fn outcome(&self) -> &'static str {
        self.outcome
    }

    /// Writes the line.
    pub(crate) fn write(&self, settings: LogSettings, elapsed: Duration, request_id: Option<&str>) {
        let Self { endpoint, outcome, .. } = self;
        let event = self.event.as_ref();
        let reference = self.reference(settings);
        let version = event.and_then(Event::version_id);
        let number = event.and_then(Event::number);
        let numbering = (!self.numbering.is_in_order()).then(|| tracing::field::display(self.numbering));
        let interaction = event.map(|event| event.interaction().name());
        #[allow(clippy::cast_possible_truncation)] // A request of half a billion years is not expected.
        let milliseconds = elapsed.as_millis() as u64;
        let (kind, place) = match &self.failure {
            Some(failure) => (Some(failure.kind), failure.place.map(tracing::field::display)),
            None => (None, None),
        };
        let text = self.failure.as_ref().and_then(|failure| failure.text.as_deref());
        macro_rules! line {
            ($level:ident, $message:literal) => {
                $level!(
                    endpoint,
                    reference,
                    version,
                    number,
                    numbering,
                    interaction,
                    outcome,
                    milliseconds,
                    request_id,
                    error.kind = kind,
                    error.place = place,
                    error.text = text,
                    $message
                )
            };
        }
        match self.severity {
            Severity::Silent => {}
            Severity::Fine => line!(info, "request"),
            Severity::Doubtful => line!(warn, "request"),
            Severity::Refused => line!(warn, "request refused"),
            Severity::Failed => line!(error, "request failed"),
        }
    }
}

/// The texts of an error and of its causes.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
