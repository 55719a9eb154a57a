//! [`Record`]: the one log line of a request, or of each of its events.

use std::time::Duration;

use tracing::{error, info, warn};

use super::delivered::{Delivered, End, reference};
use super::failure::Failure;
use super::gap::{Closed, Missing};
use crate::app::App;
use crate::event::Event;
use crate::fhir::Instant;
use crate::memory::Numbering;
use crate::metrics::Measure;

/// What the log says of a request: names and numbers, nothing that a resource or a caller said.
#[derive(Debug)]
pub(crate) struct Record {
    endpoint: Option<&'static str>,
    event: Option<Box<Event>>,
    outcome: &'static str,
    /// Whether the handler was called.
    #[cfg_attr(not(any(test, feature = "testing")), expect(dead_code, reason = "only tests ask"))]
    ran: bool,
    severity: Severity,
    measure: Option<Measure>,
    /// Whether the event became a dead letter.
    given_up: bool,
    failure: Option<Failure>,
    /// What the event's number is among those that came; of a notification of none, what its count says; of a gap, which
    /// events did not come.
    numbering: Numbering,
}

/// How much of a line it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Severity {
    /// None: load balancers ask for health every few seconds.
    Silent,
    Fine,
    Doubtful,
    Refused,
    Failed,
}

impl Record {
    /// The line of what became of an event.
    pub(crate) fn of(delivered: Delivered) -> Self {
        let (ran, outcome) = (delivered.ran(), delivered.end.words());
        let Delivered { endpoint, event, end, numbering, given_up, .. } = delivered;
        let (severity, measure) = match end {
            End::Handled => (Severity::Fine, Some(Measure::Handled)),
            End::Repeated | End::Superseded => (Severity::Fine, Some(Measure::Repeated)),
            End::NotWanted | End::LookedUp | End::NothingFound => (Severity::Fine, None),
            End::Gone => (Severity::Doubtful, Some(Measure::Gone)),
            // Whoever is at it counts it.
            End::UnderWay => (Severity::Refused, None),
            End::Malformed(_) | End::Unprocessable(_) | End::Rejected(..) | End::Elsewhere(_) => {
                (Severity::Refused, Some(Measure::Refused))
            }
            End::NotAllFound
            | End::NotBegun
            | End::Unread(_)
            | End::Unconfirmed
            | End::StoreUnavailable(_)
            | End::Failed(_)
            | End::FailedForGood(_)
            | End::Died
            | End::Panicked
            | End::OutOfTime => (Severity::Failed, Some(Measure::Failed)),
        };
        let given_up = given_up.is_some();
        let (endpoint, event, failure) = (Some(endpoint), Some(event), end.into_failure());
        Self { endpoint, event, outcome, ran, severity, measure, given_up, failure, numbering }
    }

    /// The line of an event that had not come, or of a gap.
    pub(crate) fn of_missing(endpoint: &'static str, missing: Missing) -> Self {
        let (numbers, end) = match missing {
            Missing::Event(delivered) => return Self::of(*delivered),
            Missing::Gap { numbers, end } => (numbers, end),
        };
        let (outcome, severity, failure) = match end {
            Closed::Filled => ("gap filled", Severity::Fine, None),
            Closed::Open => ("gap open", Severity::Refused, None),
            Closed::Lost => ("gap lost", Severity::Refused, None),
            Closed::Unread(failure) => ("gap unread", Severity::Refused, Some(failure)),
        };
        let measure = matches!(severity, Severity::Refused).then_some(Measure::Gap);
        let numbering = Numbering::AfterGap { first: *numbers.start(), last: *numbers.end() };
        Self { measure, failure, numbering, ..Self::request(Some(endpoint), outcome, severity) }
    }

    /// The line of a request that brought no event; `endpoint` is that of a subscription, or another route's name.
    pub(crate) fn request(endpoint: Option<&'static str>, outcome: &'static str, severity: Severity) -> Self {
        Self {
            endpoint,
            event: None,
            outcome,
            ran: false,
            severity,
            measure: matches!(severity, Severity::Refused).then_some(Measure::Refused),
            given_up: false,
            failure: None,
            numbering: Numbering::InOrder,
        }
    }

    /// The same, with an error.
    pub(crate) fn with_failure(self, failure: Failure) -> Self {
        Self { failure: Some(failure), ..self }
    }

    /// The same, with what the count of a notification says.
    pub(crate) fn numbered(self, numbering: Numbering) -> Self {
        Self { numbering, ..self }
    }

    /// The endpoint whose handler was called.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn ran(&self) -> Option<&'static str> {
        self.endpoint.filter(|_| self.ran)
    }

    /// How it ended, in the words of the log.
    pub(crate) fn outcome(&self) -> &'static str {
        self.outcome
    }

    /// Writes the line; with what is counted of it, where metrics are read from the log.
    pub(crate) fn write(&self, app: &App, elapsed: Duration, request_id: Option<&str>) {
        let Self { endpoint, outcome, .. } = self;
        let settings = app.settings().log;
        let event = self.event.as_deref();
        let reference = event.and_then(|event| reference(event, settings));
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
        let measure = self.measure.filter(|_| settings.metrics).map(Measure::name);
        let given_up = (self.given_up && measure.is_some()).then_some(true);
        let lag = measure.and_then(|_| self.lag(app));
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
                    measure,
                    given_up,
                    lag,
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

    /// How many milliseconds after its event a handler has succeeded, where the event has a time.
    fn lag(&self, app: &App) -> Option<u64> {
        let event = self.event.as_ref().filter(|_| self.measure == Some(Measure::Handled))?;
        let at = event.updated.or_else(|| Instant::parse(event.timestamp()?))?;
        Some(app.now().milliseconds_since(at))
    }
}
