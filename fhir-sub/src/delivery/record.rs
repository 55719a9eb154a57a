//! [`Record`]: the log line of a request, or of one of its events.

use std::time::Duration;

use tracing::{error, info, warn};

use super::delivered::{Delivered, End, reference};
use super::failure::Failure;
use super::gap::{Closed, Missing};
#[cfg(feature = "inspector")]
use super::told::DeskRecord;
use crate::app::App;
use crate::event::Event;
use crate::fhir::Instant;
use crate::logs;
use crate::memory::Numbering;
use crate::metrics::Measure;

/// The log line of a request: names and numbers, but nothing from a resource or a caller.
#[derive(Debug)]
pub(crate) struct Record {
    endpoint: Option<&'static str>,
    event: Option<Box<Event>>,
    outcome: &'static str,
    /// Whether the handler was called.
    #[cfg_attr(
        not(any(test, feature = "testing", feature = "inspector")),
        expect(dead_code, reason = "only tests ask")
    )]
    ran: bool,
    severity: Severity,
    measure: Option<Measure>,
    /// Whether the event became a dead letter.
    given_up: bool,
    failure: Option<Failure>,
    /// For an event: how its number compares with the numbers before it. For a notification without events:
    /// what its count says. For a gap: which events are missing.
    numbering: Numbering,
}

/// The level of the line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Severity {
    /// No line: load balancers ask for health every few seconds.
    Silent,
    Fine,
    Doubtful,
    Refused,
    Failed,
}

impl Record {
    /// The line of an event's result.
    pub(crate) fn of(delivered: Delivered) -> Self {
        let (ran, outcome) = (delivered.ran(), delivered.end.words());
        let Delivered { endpoint, event, end, numbering, given_up, .. } = delivered;
        let (severity, measure) = match end {
            End::Handled => (Severity::Fine, Some(Measure::Handled)),
            End::Repeated | End::Superseded => (Severity::Fine, Some(Measure::Repeated)),
            End::NotWanted | End::LookedUp | End::NothingFound => (Severity::Fine, None),
            End::Gone => (Severity::Doubtful, Some(Measure::Gone)),
            // The request that handles it counts it.
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

    /// The line of a missing event that the server returned, or of a gap.
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

    /// The line of a request without events; `endpoint` is the endpoint of a subscription, or the name of
    /// another route.
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

    pub(crate) fn with_failure(self, failure: Failure) -> Self {
        Self { failure: Some(failure), ..self }
    }

    pub(crate) fn numbered(self, numbering: Numbering) -> Self {
        Self { numbering, ..self }
    }

    /// The same, counted as this.
    pub(crate) fn measured(self, measure: Measure) -> Self {
        Self { measure: Some(measure), ..self }
    }

    #[cfg(all(test, feature = "queue"))]
    pub(crate) fn measure(&self) -> Option<Measure> {
        self.measure
    }

    /// The endpoint whose handler was called.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn ran(&self) -> Option<&'static str> {
        self.endpoint.filter(|_| self.ran)
    }

    /// The result, in the words of the log.
    pub(crate) fn outcome(&self) -> &'static str {
        self.outcome
    }

    /// The record as the desk shows it; `None` if no log line is written either.
    #[cfg(feature = "inspector")]
    pub(crate) fn told(&self) -> Option<DeskRecord> {
        let event = self.event.as_deref();
        let failure = self.failure.as_ref();
        let severity = match self.severity {
            Severity::Silent => return None,
            Severity::Fine => "fine",
            Severity::Doubtful => "doubtful",
            Severity::Refused => "refused",
            Severity::Failed => "failed",
        };
        Some(DeskRecord {
            endpoint: self.endpoint,
            interaction: event.map(|event| event.interaction().name()),
            reference: event.and_then(|event| event.focus().or(event.reference())).map(str::to_owned),
            version: event.and_then(Event::version_id).map(str::to_owned),
            number: event.and_then(Event::number),
            outcome: self.outcome,
            severity,
            ran: self.ran,
            is_duplicate: self.measure == Some(Measure::Repeated),
            given_up: self.given_up,
            error_kind: failure.map(|failure| failure.kind),
            error_place: failure.and_then(|failure| failure.place).map(ToString::to_string),
            error_text: failure.and_then(|failure| failure.text.clone()),
            tries: 1,
        })
    }

    /// Writes the line. If metrics are read from the log, the line includes them.
    pub(crate) fn write(&self, app: &App, elapsed: Duration, request_id: Option<&str>) {
        let Self { endpoint, outcome, .. } = self;
        let (tenant, settings) = (app.tenant_name(), app.settings().log);
        let event = self.event.as_deref();
        let reference = event.and_then(|event| reference(event, settings));
        let version = event.and_then(Event::version_id);
        let number = event.and_then(Event::number);
        let numbering = (!self.numbering.is_in_order()).then(|| tracing::field::display(self.numbering));
        let interaction = event.map(|event| event.interaction().name());
        let milliseconds = elapsed.as_millis() as u64;
        let (kind, place) = match &self.failure {
            Some(failure) => (Some(failure.kind), failure.place.map(tracing::field::display)),
            None => (None, None),
        };
        #[cfg(feature = "local")]
        if let (Some(counters), Some(measure)) = (app.counters(), self.measure) {
            counters.count(self.of_handler(app), measure, self.given_up, self.lag(app));
        }
        let measure = self.measure.filter(|_| settings.metrics).map(Measure::name);
        let given_up = (self.given_up && measure.is_some()).then_some(true);
        let lag = measure.and_then(|_| self.lag(app));
        let text = self.failure.as_ref().and_then(|failure| failure.text.as_deref());
        macro_rules! line {
            ($level:ident, $message:literal) => {
                $level!(
                    tenant,
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
        let line = || match self.severity {
            Severity::Silent => {}
            Severity::Fine => line!(info, "request"),
            Severity::Doubtful => line!(warn, "request"),
            Severity::Refused => line!(warn, "request refused"),
            Severity::Failed => line!(error, "request failed"),
        };
        logs::measured(measure.is_some(), line);
    }

    /// The endpoint, if it is a handler's and not another route's.
    #[cfg(feature = "local")]
    pub(crate) fn of_handler(&self, app: &App) -> Option<&'static str> {
        self.endpoint.filter(|endpoint| app.registry().find(endpoint).is_some())
    }

    /// How many milliseconds after its event a handler succeeded, if the event has a time.
    fn lag(&self, app: &App) -> Option<u64> {
        let event = self.event.as_ref().filter(|_| self.measure == Some(Measure::Handled))?;
        let at = event.updated.or_else(|| Instant::parse(event.timestamp()?))?;
        Some(app.now().milliseconds_since(at))
    }
}
