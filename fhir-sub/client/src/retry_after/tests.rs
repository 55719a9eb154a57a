use http::{HeaderMap, HeaderName, StatusCode, header};

use super::*;

#[test]
fn retry_after_is_read_as_seconds_or_date() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT
    let check = |value: &'static str, expected: Option<u64>| {
        let headers = HeaderMap::from_iter([(header::RETRY_AFTER, value.parse().unwrap())]);
        let found = retry_after(StatusCode::SERVICE_UNAVAILABLE, &headers, now);
        assert_eq!(found, expected.map(Duration::from_secs), "{value}");
    };
    check("120", Some(120));
    check(" 0 ", Some(0));
    check("Sun, 06 Nov 1994 08:50:37 GMT", Some(60));
    check("Sun, 06 Nov 1994 08:40:37 GMT", Some(0));
    check("soon", None);
    check("-1", None);
    assert_eq!(retry_after(StatusCode::SERVICE_UNAVAILABLE, &HeaderMap::new(), now), None);
}

const NOW: u64 = 1_764_000_000;

fn asked(status: StatusCode, fields: &[(&str, &str)]) -> Option<u64> {
    let fields = fields
        .iter()
        .map(|(name, value)| (HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap()));
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(name, value);
    }
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
    retry_after(status, &headers, now).map(|pause| pause.as_secs())
}

fn check(fields: &[(&str, &str)], expected: Option<u64>) {
    assert_eq!(asked(StatusCode::TOO_MANY_REQUESTS, fields), expected, "{fields:?}");
}

#[test]
fn a_rate_limit_says_when_the_used_up_quota_is_renewed() {
    check(&[("ratelimit", "\"fhirInteractions\";r=0;t=36")], Some(36));
    check(&[("ratelimit", "\"fhirInteractions\"; r=0; t=36")], Some(36));
    check(&[("ratelimit", "fhir;t=36;r=0")], Some(36));
    check(&[("ratelimit", "\"a\";r=10;t=300, \"b\";r=0;t=4, \"c\";r=0;t=7")], Some(7));
    check(&[("ratelimit", "\"a\";r=10;t=300"), ("ratelimit", "\"b\";r=0;t=4")], Some(4));
    check(&[("ratelimit", "\"a,b;r=9\";r=0;t=5")], Some(5));
    // A request may cost more than the rest of a quota.
    check(&[("ratelimit", "\"fhirInteractions\";r=50;t=36")], Some(36));
    // The earlier drafts have one quota without a name.
    check(&[("ratelimit", "limit=100, remaining=0, reset=9")], Some(9));
    for nothing in ["", "\"a\"", "\"a\";r=0", "\"a\";r=0;t=-1", "\"a\";r=0;t=x", ";;;", "\"a;t=5", "t"] {
        check(&[("ratelimit", nothing)], None);
    }
}

#[test]
fn a_reset_is_read_as_seconds_or_as_a_time() {
    for name in ["ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"] {
        check(&[(name, "12")], Some(12));
        check(&[(name, "0")], Some(0));
        check(&[(name, "11.2")], Some(12));
        check(&[(name, &(NOW + 20).to_string())], Some(20));
        check(&[(name, &(NOW - 20).to_string())], Some(0));
        check(&[(name, &((NOW + 20) * 1000).to_string())], Some(20));
        check(&[(name, "soon")], None);
    }
    check(&[("x-ratelimit-reset-after", "3")], Some(3));
}

#[test]
fn retry_after_goes_before_all_others_and_only_429_is_of_a_quota() {
    let all = [("x-ratelimit-reset", "9"), ("ratelimit", "\"a\";r=0;t=8"), ("retry-after", "7")];
    check(&all, Some(7));
    check(&all[..2], Some(8));
    check(&[("retry-after", "soon"), ("ratelimit", "\"a\";r=0;t=8")], Some(8));
    // Any answer may carry these headers. A 503 means that nothing was done only if it has `Retry-After`.
    assert_eq!(asked(StatusCode::SERVICE_UNAVAILABLE, &all[..2]), None);
    assert_eq!(asked(StatusCode::SERVICE_UNAVAILABLE, &all), Some(7));
}
