//! `POST …/register`: registers over HTTP.

use std::time::Duration;

use super::Answered;
use super::work::{Report, Work};
use crate::app::App;
use crate::deadline::Deadline;
use crate::registration::{self, Options};

/// Registers every subscription with the server.
pub(super) async fn register(app: &App, options: Options, deadline: Deadline) -> Answered {
    let registering = async {
        // The registration stops a little earlier, so that the report can still be sent.
        let report = registration::register(app, options, deadline.earlier_by(TO_REPORT)).await;
        Report { is_sound: report.is_complete(), body: report.to_json() }
    };
    Work::Register.answer(registering, deadline).await
}

/// The time that is reserved for the report.
const TO_REPORT: Duration = Duration::from_millis(500);
