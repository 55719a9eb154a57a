//! [`Work`]: what takes long and ends in a report. Its answer and its log line are both derived from how it ended.

use http::StatusCode;

use super::answer::{Answer, Said};
use super::{Answered, Record};
use crate::contain::contain;
use crate::deadline::Deadline;
use crate::delivery::Severity;

/// What a request of administration asks for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work {
    Register,
    Status,
    Sweep,
}

/// What was found or done, as JSON, and whether all is well.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) is_sound: bool,
    pub(super) body: String,
}

/// How it ended.
#[derive(Debug)]
enum Ended {
    Reported(Report),
    Panicked,
    OutOfTime,
}

impl Work {
    /// Does it. The user's `registration` functions and token provider run in it.
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
                "the registration broke off: see the program's log",
                "the registration did not end in time: ask for it again",
            ),
            Self::Status => (
                "the status could not be told: see the program's log",
                "the status was not known in time: ask for it again",
            ),
            Self::Sweep => (
                "the sweep broke off: see the program's log",
                "the sweep did not end in time: ask for it again, it goes on where it has come to",
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
        let is_sound = matches!(ended, Ended::Reported(Report { is_sound: true, .. }));
        let (route, sound, unsound, severity) = match self {
            Self::Register => ("register", "registered", "incomplete", Severity::Failed),
            // To look at what is not well is no failure.
            Self::Status => ("status", "sound", "unsound", Severity::Refused),
            Self::Sweep => ("sweep", "swept", "incomplete", Severity::Failed),
        };
        match is_sound {
            true => Record::request(Some(route), sound, Severity::Fine),
            false => Record::request(Some(route), unsound, severity),
        }
    }
}
