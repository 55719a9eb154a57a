//! The time in the sandbox.

use std::time::{Duration, SystemTime};

use httpdate::HttpDate;

use crate::fhir::Instant;

/// The wall clock at the start, continued by tokio's clock. If a test pauses and advances tokio's time,
/// `meta.lastUpdated` advances, too.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    since: tokio::time::Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { started: Instant::from(SystemTime::now()), since: tokio::time::Instant::now() }
    }

    pub(crate) fn now(&self) -> Instant {
        self.started.after(self.since.elapsed())
    }
}

/// The date of an HTTP header: `Tue, 03 Feb 2026 04:05:06 GMT`.
pub(crate) fn http_date(at: Instant) -> String {
    HttpDate::from(SystemTime::from(at)).to_string()
}

/// The distance between two instants, in either order.
pub(crate) fn distance(one: Instant, other: Instant) -> Duration {
    one.since(other).max(other.since(one))
}
