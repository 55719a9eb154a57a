//! The counters of events, for those who watch the program.

#[cfg(feature = "lambda")]
mod emf;
#[cfg(feature = "local")]
mod prometheus;

#[cfg(feature = "lambda")]
pub(crate) use self::emf::Emf;
#[cfg(feature = "local")]
pub(crate) use self::prometheus::{CONTENT_TYPE, Counters, Now};

/// The contribution of an event, or of a request without one, to the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// The handler succeeded.
    Handled,
    /// The event was handled before, so nothing ran.
    Repeated,
    /// The event will come again: the handler, the FHIR server or the store failed.
    Failed,
    /// The request or the event was refused: its sender is unknown, it is malformed, or no handler takes it.
    Refused,
    /// The resource is no longer on the server.
    Gone,
    /// Events are missing, and could not be found.
    Gap,
    /// A server that has promised heartbeats is silent.
    #[cfg(feature = "registration")]
    HeartbeatsMissed,
    /// The first event of an instance.
    #[cfg(feature = "lambda")]
    ColdStart,
    /// A sweep of a subscription ended well.
    #[cfg(feature = "registration")]
    Swept,
    /// Another sweep of the subscription is under way, so this sweep did nothing or ended early.
    #[cfg(feature = "registration")]
    SweepUnderWay,
    /// No request can find the changes that the subscription's notifications did not report.
    #[cfg(feature = "registration")]
    CannotBeSwept,
    /// A sweep of a subscription failed, or something failed in it.
    #[cfg(feature = "registration")]
    SweepFailed,
}

impl Measure {
    /// The name in CloudWatch.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Handled => "Handled",
            Self::Repeated => "Repeated",
            Self::Failed => "Failed",
            Self::Refused => "Refused",
            Self::Gone => "Gone",
            Self::Gap => "Gap",
            #[cfg(feature = "registration")]
            Self::HeartbeatsMissed => "HeartbeatsMissed",
            #[cfg(feature = "lambda")]
            Self::ColdStart => "ColdStart",
            #[cfg(feature = "registration")]
            Self::Swept => "Swept",
            #[cfg(feature = "registration")]
            Self::SweepUnderWay => "SweepUnderWay",
            #[cfg(feature = "registration")]
            Self::CannotBeSwept => "CannotBeSwept",
            #[cfg(feature = "registration")]
            Self::SweepFailed => "SweepFailed",
        }
    }

    /// The label in Prometheus.
    #[cfg(feature = "local")]
    pub(crate) fn result(self) -> &'static str {
        match self {
            Self::Handled => "handled",
            Self::Repeated => "repeated",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Gone => "gone",
            Self::Gap => "gap",
            // It has a counter of its own.
            #[cfg(feature = "registration")]
            Self::HeartbeatsMissed => "missed",
            // Only a Lambda counts it.
            #[cfg(feature = "lambda")]
            Self::ColdStart => "cold_start",
            #[cfg(feature = "registration")]
            Self::Swept => "swept",
            #[cfg(feature = "registration")]
            Self::SweepUnderWay => "under_way",
            #[cfg(feature = "registration")]
            Self::CannotBeSwept => "cannot_be_swept",
            #[cfg(feature = "registration")]
            Self::SweepFailed => "failed",
        }
    }
}
