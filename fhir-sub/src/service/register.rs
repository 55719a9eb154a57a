//! `POST …/register`: the registration, asked for over HTTP.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use http::StatusCode;

use super::{Answer, Answered, Record};
use crate::app::App;
use crate::deadline::Deadline;
use crate::registration::Options;

/// Registers every subscription with the server.
pub(super) async fn register(app: &App, options: Options, deadline: Deadline) -> Answered {
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
const TO_REPORT: Duration = Duration::from_millis(500);
