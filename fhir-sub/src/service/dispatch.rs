//! From a notification to its answer.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

use super::decode::{Decoded, Undecodable, decode};
use super::record::Failure;
use super::{Answer, Answered, Head, Record};
use crate::app::App;
use crate::deadline::Deadline;
use crate::declaration::Declaration;
use crate::event::Event;
use crate::notification::Notification;
use crate::outcome::Outcome;
use crate::rejection::RejectionKind;

/// Runs the handler of `declaration` on what the request notifies of.
pub(super) async fn dispatch(
    app: &App,
    head: &Head<'_>,
    declaration: &'static Declaration,
    reference: Option<String>,
    body: &[u8],
    deadline: Deadline,
) -> Answered {
    let endpoint = declaration.endpoint;
    let Decoded { event, resource } = match decode(head, declaration, reference, body) {
        Ok(decoded) => decoded,
        Err(Undecodable { answer, outcome }) => {
            return Answered::new(answer, Record::refused(Some(endpoint), outcome));
        }
    };
    if !declaration.interactions.contains(event.interaction()) {
        // The server was not told, or does not heed, what is wanted: there is nothing to do, and nothing to
        // send again.
        return Answered::new(Answer::handled(), Record::not_wanted(endpoint, event));
    }
    if deadline.has_passed() {
        return Answered::new(Answer::out_of_time(), Record::not_begun(endpoint, event));
    }

    let notification = Notification { event: &event, resource, provided: app.provided(), deadline };
    // A panic ends this request, not the process. Whatever the handler left half done in its own state is
    // the handler's: locks poison, and the rest of the request is dropped.
    let run = AssertUnwindSafe(async { (declaration.run)(&notification).await }).catch_unwind();
    match tokio::time::timeout_at(deadline.instant(), run).await {
        Ok(Ok(outcome)) => answer(endpoint, event, outcome, app.settings().log.error_text),
        Ok(Err(_panic)) => Answered::new(Answer::failed(), Record::failed(endpoint, event, "panicked", None)),
        Err(_elapsed) => {
            Answered::new(Answer::out_of_time(), Record::failed(endpoint, event, "out of time", None))
        }
    }
}

/// The answer to an outcome; `quote` says whether an error's text may be logged.
fn answer(endpoint: &'static str, event: Event, outcome: Outcome, quote: bool) -> Answered {
    match outcome {
        Outcome::Handled => Answered::new(Answer::handled(), Record::handled(endpoint, event)),
        Outcome::Transient(error) => {
            let record = Record::failed(endpoint, event, "failed", Some(Failure::new(&error, quote)));
            Answered::new(Answer::failed(), record)
        }
        Outcome::Permanent(error) => {
            let record =
                Record::failed(endpoint, event, "failed for good", Some(Failure::new(&error, quote)));
            Answered::new(Answer::permanent(), record)
        }
        Outcome::Rejected(rejection) => match rejection.into_kind() {
            RejectionKind::Malformed(text) => {
                Answered::new(Answer::malformed(&text), Record::rejected(endpoint, event, "malformed"))
            }
            RejectionKind::Unprocessable(text) => Answered::new(
                Answer::unprocessable(&text),
                Record::rejected(endpoint, event, "unprocessable"),
            ),
            RejectionKind::Failed(error) => answer(endpoint, event, error.into(), quote),
        },
    }
}

/// Registers every subscription with the server.
#[cfg(feature = "registration")]
pub(super) async fn register(
    app: &App,
    options: crate::registration::Options,
    deadline: Deadline,
) -> Answered {
    use http::StatusCode;

    // What it was able to do until shortly before the end is worth a report.
    let report_by = deadline.earlier_by(TO_REPORT);
    let registration = crate::registration::register(app, options, report_by);
    // The user's `registration` functions and token provider run in it.
    let registration = AssertUnwindSafe(registration).catch_unwind();
    match tokio::time::timeout_at(deadline.instant(), registration).await {
        Ok(Ok(report)) => {
            let status = if report.is_complete() { StatusCode::OK } else { StatusCode::BAD_GATEWAY };
            Answered::new(Answer::json(status, report.to_json()), Record::registration(report.is_complete()))
        }
        Ok(Err(_panic)) => Answered::new(Answer::registration_failed(), Record::registration(false)),
        Err(_elapsed) => Answered::new(Answer::registration_out_of_time(), Record::registration(false)),
    }
}

/// What is kept of a registration's time to say what was done.
#[cfg(feature = "registration")]
const TO_REPORT: std::time::Duration = std::time::Duration::from_millis(500);
