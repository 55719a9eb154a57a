//! Medplum's limit of a client's requests in a minute.

use std::time::Duration;

use http::{HeaderName, Method};
use serde_json::Value;
use tokio::time::Instant;

use super::call::Call;

/// The points of a minute by Medplum's default settings.
const POINTS: u64 = 50_000;

const MINUTE: Duration = Duration::from_secs(60);

/// The points spent in this minute.
#[derive(Debug, Default)]
pub(crate) struct Limit {
    spent: u64,
    /// The beginning of the minute, at its first request.
    since: Option<Instant>,
}

impl Limit {
    /// Spends the points of the request; the error is the time to wait if there are not enough.
    pub(crate) fn spend(&mut self, call: &Call) -> Result<(), Duration> {
        let now = Instant::now();
        let since = match self.since {
            Some(since) if now - since < MINUTE => since,
            _ => {
                self.spent = 0;
                *self.since.insert(now)
            }
        };
        let cost = cost(call);
        if self.spent + cost > POINTS {
            return Err(MINUTE - (now - since));
        }
        self.spent += cost;
        Ok(())
    }
}

/// The header with the remaining points.
pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The value of `RateLimit` in an answer with 429: Medplum sends no `Retry-After`.
pub(crate) fn rate_limit(pause: Duration) -> String {
    let seconds = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
    format!("\"fhirInteractions\";r=0;t={seconds}")
}

/// The points of a request. A Bundle costs as much as its requests together.
fn cost(call: &Call) -> u64 {
    let segments: Vec<_> = call.segments.iter().map(String::as_str).collect();
    if call.method == Method::POST && segments.is_empty() {
        let bundle = call.json().unwrap_or_default();
        let entries = bundle["entry"].as_array().into_iter().flatten();
        return entries.map(|entry| cost_of_entry(&entry["request"])).sum();
    }
    cost_of(&call.method, &segments)
}

fn cost_of_entry(request: &Value) -> u64 {
    let method = request["method"].as_str().and_then(|method| method.parse().ok()).unwrap_or(Method::GET);
    let url = request["url"].as_str().unwrap_or_default();
    let path = url.split('?').next().unwrap_or_default();
    cost_of(&method, &path.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>())
}

fn cost_of(method: &Method, segments: &[&str]) -> u64 {
    match segments {
        ["metadata"] => 0,
        [.., "_history"] => 10,
        // A search, and the next page of one.
        [_, "_search"] | [] => 20,
        [_] if *method == Method::GET => 20,
        _ if *method == Method::GET => 1,
        _ => 100,
    }
}
