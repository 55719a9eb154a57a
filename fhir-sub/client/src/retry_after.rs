//! How long a server asks the client to wait.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header};

/// The headers in which older servers give the end of a quota.
const RESETS: [&str; 4] =
    ["ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset", "x-ratelimit-reset-after"];

/// A larger number means a time since 1970 in seconds; above [`MILLISECONDS`], in milliseconds.
const SINCE_1970: f64 = 1e9;
const MILLISECONDS: f64 = 1e12;

/// Reads `Retry-After` (RFC 9110 §10.2.3). If an answer with 429 lacks it, reads `RateLimit`
/// (draft-ietf-httpapi-ratelimit-headers) and the older headers.
///
/// With another status, these headers ask for nothing: any answer may carry them.
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

/// Seconds or a date; a past date counts as zero.
fn seconds_or_date(value: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// The time until the server renews the used-up quota; the longest time, if several quotas are used up.
///
/// Today's form is `"name";r=0;t=36, "other";r=9;t=60`; the older one is `limit=9, remaining=0, reset=36`. If
/// no quota is used up, the request cost more than the rest of some quota, and the answer does not name that
/// quota.
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
    /// Reads a part such as `r=0`. The older form has one member for each part of its single quota, so these
    /// parts go into `before`.
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

/// Splits a text at separators outside of quoted strings.
fn split_unquoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c: char| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
}

/// Seconds from now, or seconds since 1970 if the number is too large.
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
