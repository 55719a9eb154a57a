//! `POST …/sweep`: a sweep, asked for over HTTP.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use http::StatusCode;

use super::{Answer, Answered};
use crate::app::App;
use crate::deadline::Deadline;
use crate::delivery::record::Record;
use crate::sweep::{SweepOptions, refusal, sweep};

/// Sweeps what `options` mean.
pub(super) async fn answer(app: &App, options: SweepOptions, deadline: Deadline) -> Answered {
    if let Some(refusal) = refusal(app) {
        return Answered::new(Answer::unprocessable(refusal), Record::refused(Some("sweep"), "refused"));
    }
    // The user's `registration` functions and token provider run in it.
    let sweeping = AssertUnwindSafe(sweep(app, &options, deadline, None)).catch_unwind();
    match tokio::time::timeout_at(deadline.instant(), sweeping).await {
        Ok(Ok(report)) => {
            let status = if report.is_sound() { StatusCode::OK } else { StatusCode::BAD_GATEWAY };
            Answered::new(Answer::json(status, report.to_json()), Record::sweep(report.is_sound()))
        }
        Ok(Err(_panic)) => Answered::new(Answer::sweep_failed(), Record::sweep(false)),
        Err(_elapsed) => Answered::new(Answer::sweep_out_of_time(), Record::sweep(false)),
    }
}
