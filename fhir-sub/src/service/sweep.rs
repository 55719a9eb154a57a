//! `POST …/sweep`: sweeps over HTTP.

use super::Answered;
use super::refusal::Refusal;
use super::work::{Report, Work};
use crate::app::App;
use crate::deadline::Deadline;
use crate::sweep::{SweepOptions, refusal, sweep};

/// Sweeps what `options` select.
pub(super) async fn answer(app: &App, options: SweepOptions, deadline: Deadline) -> Answered {
    if let Some(refusal) = refusal(app) {
        return Refusal::CannotSweep(refusal).answered(Some("sweep"));
    }
    let sweeping = async {
        let report = sweep(app, &options, deadline, None).await;
        Report { is_sound: report.is_sound(), body: report.to_json() }
    };
    Work::Sweep.answer(sweeping, deadline).await
}
