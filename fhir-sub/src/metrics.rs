//! The counters of events, for those who watch the program.

#[cfg(feature = "lambda")]
mod emf;

#[cfg(feature = "lambda")]
pub(crate) use self::emf::Emf;
#[cfg(all(test, feature = "lambda"))]
pub(crate) use self::emf::captured;

/// The contribution of an event, or of a request without one, to the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// The handler succeeded.
    Handled,
    /// The event was handled before, so nothing ran.
    Repeated,
    /// The event will come again: the handler, the FHIR server or the store failed.
    Failed,
    /// The request or the event was refused: a stranger's, a malformed one, or one that no handler takes.
    Refused,
    /// The resource is no longer on the server.
    Gone,
    /// Events did not come, and could not be found.
    Gap,
    /// A sweep of a subscription ended well.
    #[cfg(feature = "registration")]
    Swept,
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
            Self::Swept => "Swept",
            #[cfg(feature = "registration")]
            Self::SweepFailed => "SweepFailed",
        }
    }
}
