//! How long a server asks to be left alone.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header};

/// The fields that older servers name the end of a quota in.
const RESETS: [&str; 4] =
    ["ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset", "x-ratelimit-reset-after"];

/// A number of seconds above this is a time since 1970, and above [`MILLISECONDS`] one in milliseconds.
const SINCE_1970: f64 = 1e9;
const MILLISECONDS: f64 = 1e12;

/// Reads `Retry-After` (RFC 9110 §10.2.3); of an answer with 429 also `RateLimit`
/// (draft-ietf-httpapi-ratelimit-headers) and the fields before it, where that is all that the server sends.
///
/// Any answer may carry the latter, so they mean nothing with another status.
pub(crate) fn retry_after(status: StatusCode, headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let asked = text(header::RETRY_AFTER.as_str()).and_then(|value| seconds_or_date(value, now));
    if asked.is_some() || status != StatusCode::TOO_MANY_REQUESTS {
        return asked;
    }
    let limits = headers.get_all("ratelimit").iter().filter_map(|value| value.to_str().ok());
    rate_limit(&limits.collect::<Vec<_>>().join(","))
        .or_else(|| RESETS.iter().find_map(|name| reset(text(name)?, now)))
}

/// Seconds, or a date; a date gone by counts as zero.
fn seconds_or_date(value: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// The time until the quota is renewed that is used up: the longest one, where several are.
///
/// `"name";r=0;t=36, "other";r=9;t=60` is the form of today, `limit=9, remaining=0, reset=36` the one before. Where no
/// quota is used up, the request cost more than was left of one, and nothing says of which.
fn rate_limit(text: &str) -> Option<Duration> {
    let mut quotas = Vec::new();
    let mut before = Quota::default();
    for member in split_unquoted(text, ',') {
        let mut quota = Quota::default();
        for part in split_unquoted(member, ';') {
            quota.read(part, &mut before);
        }
        quotas.push(quota);
    }
    quotas.push(before);
    let longest = |used_up: bool| {
        let counted = quotas.iter().filter(|quota| !used_up || quota.remaining == Some(0));
        counted.filter_map(|quota| quota.reset).max()
    };
    longest(true).or_else(|| longest(false)).map(Duration::from_secs)
}

#[derive(Default)]
struct Quota {
    remaining: Option<u64>,
    reset: Option<u64>,
}

impl Quota {
    /// Reads `r=0`; what the older form says, which has a member for each of its parts, goes into `before`.
    fn read(&mut self, part: &str, before: &mut Self) {
        let Some((name, value)) = part.split_once('=') else { return };
        let value = value.trim().parse().ok();
        match name.trim() {
            "r" => self.remaining = value,
            "t" => self.reset = value,
            "remaining" => before.remaining = value,
            "reset" => before.reset = value,
            _ => {}
        }
    }
}

/// The parts of a text between separators that stand in no quoted string.
fn split_unquoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c: char| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
}

/// Seconds from now or, where the number is too large for that, since 1970.
fn reset(value: &str, now: SystemTime) -> Option<Duration> {
    let number: f64 = value.parse().ok()?;
    let number = if number >= MILLISECONDS { number / 1000.0 } else { number };
    if number < SINCE_1970 {
        return Duration::try_from_secs_f64(number.ceil()).ok();
    }
    let end = SystemTime::UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(number.ceil()).ok()?)?;
    Some(end.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests;
