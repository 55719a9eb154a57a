//! [`Work`]: long work that ends in a report. Its answer and its log line are both derived from its end.

use http::StatusCode;

use super::answer::{Answer, Said};
use super::{Answered, Record};
use crate::contain::contain;
use crate::deadline::Deadline;
use crate::delivery::Severity;

/// The work that an administrator's request asks for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work {
    Register,
    Status,
    Sweep,
}

/// The report as JSON, and whether all is well.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) is_sound: bool,
    pub(super) body: String,
}

#[derive(Debug)]
enum Ended {
    Reported(Report),
    Panicked,
    OutOfTime,
}

impl Work {
    /// Does the work, which may run the user's `registration` functions and token provider.
    pub(super) async fn answer(
        self,
        doing: impl Future<Output = Report> + Send,
        deadline: Deadline,
    ) -> Answered {
        let ended = match tokio::time::timeout_at(deadline.instant(), contain(doing)).await {
            Ok(Ok(report)) => Ended::Reported(report),
            Ok(Err(_panicked)) => Ended::Panicked,
            Err(_elapsed) => Ended::OutOfTime,
        };
        let record = self.record(&ended);
        Answered::new(self.said(ended), record)
    }

    fn said(self, ended: Ended) -> Answer {
        let (broke_off, late) = match self {
            Self::Register => (
                "the registration failed before its end: see the program's log",
                "the registration did not end in time: ask for it again",
            ),
            Self::Status => (
                "the status could not be determined: see the program's log",
                "the status was not known in time: ask for it again",
            ),
            Self::Sweep => (
                "the sweep failed before its end: see the program's log",
                "the sweep did not end in time: start it again, and it continues where it stopped",
            ),
        };
        match ended {
            Ended::Reported(Report { is_sound: false, body }) if !matches!(self, Self::Status) => {
                Answer::json(StatusCode::BAD_GATEWAY, body)
            }
            Ended::Reported(Report { body, .. }) => Answer::json(StatusCode::OK, body),
            Ended::Panicked => Answer::said(Said::failed(broke_off)),
            Ended::OutOfTime => Answer::said(Said::too_late(late)),
        }
    }

    fn record(self, ended: &Ended) -> Record {
        let (route, sound, unsound) = match self {
            Self::Register => ("register", "registered", ("incomplete", Severity::Failed)),
            // The request succeeded. The report says what is wrong at the FHIR server.
            Self::Status => ("status", "sound", ("unsound", Severity::Doubtful)),
            Self::Sweep => ("sweep", "swept", ("incomplete", Severity::Failed)),
        };
        let (words, severity) = match ended {
            Ended::Reported(Report { is_sound: true, .. }) => (sound, Severity::Fine),
            Ended::Reported(_) => unsound,
            Ended::Panicked => ("panicked", Severity::Failed),
            Ended::OutOfTime => ("out of time", Severity::Failed),
        };
        Record::request(Some(route), words, severity)
    }
}

#[cfg(test)]
mod tests;
