//! `GET /metrics`: what was counted, for Prometheus.

use http::StatusCode;

use super::{Answer, Answered, Record};
use crate::app::App;
use crate::delivery::Severity;
use crate::metrics::{CONTENT_TYPE, Counters, Now};

pub(super) fn answer(app: &App, counters: &Counters) -> Answered {
    let (taken, maximum) = (app.bodies().taken() as u64, app.bodies().maximum() as u64);
    let now = Now { time: app.now().into(), body_bytes: taken, body_bytes_maximum: maximum };
    let answer = Answer::text(StatusCode::OK, CONTENT_TYPE, counters.text(&now));
    Answered::new(answer, Record::request(Some("metrics"), "asked for metrics", Severity::Silent))
}
