//! Decides whether and when to repeat a request. Apart from the random jitter, it has no side effects.

use std::time::Duration;

use http::StatusCode;

use crate::error::{Error, Kind};
use crate::transport::TransportErrorKind;

/// The most attempts of a request.
pub(crate) const ATTEMPTS: u32 = 4;
/// The longest first pause; it doubles with each attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause that a server may ask for. Many quotas count by the minute, Medplum's too. If a server
/// asks for more, the call fails at once.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// Whether a repetition of the request is harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It is harmless: the client may repeat the request even if the server may have acted on an earlier
    /// attempt.
    Safe,
    /// It is not: the client may repeat the request only if the server has not acted on an earlier attempt.
    IfUnprocessed,
    /// The client never repeats this request: the caller makes a new one.
    Never,
}

/// The pause before the next attempt; `None` if there must be none.
///
/// `attempt` counts the attempts so far; `remaining` is the time until the deadline.
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
    // Full jitter: clients that failed together should not return together. After `Retry-After` they would,
    // so the jitter is added to it.
    let asked = error.retry_after().unwrap_or_default();
    let pause = asked.saturating_add(step.mul_f64(fastrand::f64()));
    let fits = asked <= LONGEST_PAUSE && remaining.is_none_or(|remaining| pause < remaining);
    fits.then_some(pause)
}

/// Whether the request may be sent again after this failure.
///
/// - 429: the server has refused the request.
/// - 503 with `Retry-After`: an overloaded server has refused the request.
/// - 503 without `Retry-After`: a gateway may have waited too long for its backend (API Gateway's HTTP APIs
///   answer this way).
/// - 502 and 504: a gateway got no answer from a server, which may have acted on the request.
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
