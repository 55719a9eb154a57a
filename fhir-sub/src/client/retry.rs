//! When a request is sent again, and after how long. Pure but for the dice.

use std::time::Duration;

use http::StatusCode;

use crate::client::error::{Error, Kind};
use crate::client::transport::TransportErrorKind;

/// How often a request is sent at most.
pub(crate) const ATTEMPTS: u32 = 4;
/// The longest first pause; it doubles from attempt to attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause that a server may ask for: quotas are counted by the minute, Medplum's too. One that asks for more
/// is not waited for.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// Whether sending a request twice does what sending it once does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It does: it may be repeated although an earlier attempt may have been acted on.
    Safe,
    /// It does not: it may be repeated only where no earlier attempt was acted on.
    IfUnprocessed,
    /// It is never repeated as it is: who sends it makes a new one.
    Never,
}

/// How long to wait before the next attempt; `None` where there must be none.
///
/// `attempt` counts those made; `remaining` is the time left before the deadline.
pub(crate) fn pause(
    repeat: Repeat,
    error: &Error,
    attempt: u32,
    remaining: Option<Duration>,
) -> Option<Duration> {
    if attempt >= ATTEMPTS || !may_repeat(repeat, error.kind()) {
        return None;
    }
    let step = FIRST_PAUSE * 2u32.saturating_pow(attempt.saturating_sub(1));
    // Full jitter: those who failed together should not come back together. After Retry-After they would, so it is
    // added on top.
    let asked = error.retry_after().unwrap_or_default();
    let pause = asked.saturating_add(step.mul_f64(fastrand::f64()));
    let fits = asked <= LONGEST_PAUSE && remaining.is_none_or(|remaining| pause < remaining);
    fits.then_some(pause)
}

/// Whether a failure lets a request be sent again.
///
/// 429 means that the request was turned away. 503 means it only where it comes with `Retry-After`, by the hand of a
/// server that minds its load; without, it may also be a gateway whose integration took too long (API Gateway's HTTP
/// APIs answer so). 502 and 504 say that a gateway got no answer from a server which may have done the work.
fn may_repeat(repeat: Repeat, kind: &Kind) -> bool {
    match kind {
        _ if repeat == Repeat::Never => false,
        Kind::Status { status, retry_after, .. } => match *status {
            StatusCode::TOO_MANY_REQUESTS => true,
            StatusCode::SERVICE_UNAVAILABLE => repeat == Repeat::Safe || retry_after.is_some(),
            StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => repeat == Repeat::Safe,
            _ => false,
        },
        Kind::Transport(error) => match error.kind {
            TransportErrorKind::NotSent => true,
            TransportErrorKind::Broken | TransportErrorKind::TimedOut => repeat == Repeat::Safe,
            TransportErrorKind::TooLarge | TransportErrorKind::Unusable => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests;
