//! What time it is in the sandbox.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use tokio::time::Instant;

/// The wall clock as it stood at the start, carried on by tokio's clock: a test that pauses and advances
/// tokio's time sees `meta.lastUpdated` advance with it.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Timestamp,
    since: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { started: Timestamp::now(), since: Instant::now() }
    }

    /// The time, cut to the millisecond: what is stored and what is written must be the same instant.
    pub(crate) fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.since.elapsed()).unwrap_or(SignedDuration::MAX);
        let now = self.started.saturating_add(elapsed).unwrap_or(Timestamp::MAX);
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }
}

/// A FHIR `instant`: `2026-02-03T04:05:06.007Z`.
pub(crate) fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// The date of an HTTP header: `Tue, 03 Feb 2026 04:05:06 GMT`.
pub(crate) fn http_date(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// The distance between two instants, whichever is the earlier.
pub(crate) fn distance(one: Timestamp, other: Timestamp) -> Duration {
    one.duration_since(other).unsigned_abs()
}
