use http::{HeaderMap, HeaderName, HeaderValue};

use super::*;

#[track_caller]
fn check(named: &[(&str, &str)], invocation: Option<&str>, expected: Option<&str>) {
    let mut headers = HeaderMap::new();
    for (name, value) in named {
        headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
    }
    assert_eq!(CallerTrace::of(&headers, invocation).traceparent(), expected, "{headers:?}");
}

const W3C: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const X_RAY: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
const OF_X_RAY: &str = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";

#[test]
fn the_first_header_names_the_trace() {
    check(&[], None, None);
    check(&[("traceparent", W3C)], Some(X_RAY), Some(W3C));
    check(
        &[("x-trace-id", "a"), ("x-amzn-trace-id", X_RAY), ("traceparent", &format!(" {W3C} "))],
        None,
        Some(W3C),
    );
    check(&[("x-amzn-trace-id", X_RAY), ("x-trace-id", &"1".repeat(32))], None, Some(OF_X_RAY));
    for id in ["4bf92f3577b34da6a3ce929d0e0e4736", "4BF92F35-77B3-4DA6-A3CE-929D0E0E4736"] {
        let expected = "00-4bf92f3577b34da6a3ce929d0e0e4736-a3ce929d0e0e4736-01";
        check(&[("x-trace-id", id)], Some(X_RAY), Some(expected));
    }
    check(
        &[("x-trace-id", "463ac35c9f6413ad")],
        None,
        Some("00-0000000000000000463ac35c9f6413ad-463ac35c9f6413ad-01"),
    );
    // A later version may have more parts.
    let later = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more-and-more";
    check(&[("traceparent", later)], None, Some(later));
}

#[test]
fn the_trace_of_an_invocation_counts_if_x_ray_samples_it() {
    let root = "Root=1-5759e988-bd862e3fe1be46a994272793";
    let not_sampled = format!("{root};Parent=53995c3f42cd8ad8;Sampled=0");
    check(&[], Some(X_RAY), Some(OF_X_RAY));
    check(&[], Some(&not_sampled), None);
    check(&[], Some(root), None);
    // A gateway names only the root, and Lambda the segment of the function in it.
    check(&[("x-amzn-trace-id", root)], Some(X_RAY), Some(OF_X_RAY));
    let of_root = "00-5759e988bd862e3fe1be46a994272793-e1be46a994272793-01";
    check(&[("x-amzn-trace-id", root)], Some(&not_sampled), Some(of_root));
    check(&[("x-amzn-trace-id", root)], None, Some(of_root));
    let other = "Root=1-67891233-abcdef012345678912345678;Parent=1111111111111111;Sampled=1";
    check(&[("x-amzn-trace-id", root)], Some(other), Some(of_root));
    // A decision against the trace is kept.
    let expected = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-00";
    check(&[("x-amzn-trace-id", &not_sampled)], None, Some(expected));
    let with_self = "Self=1-67891234-12456789abcdef012345678;Root=1-67891233-abcdef012345678912345678";
    let expected = "00-67891233abcdef012345678912345678-2345678912345678-01";
    check(&[("x-amzn-trace-id", with_self)], None, Some(expected));
}

#[test]
fn the_state_goes_with_its_parent() {
    let trace = |named: &[(&str, &str)]| {
        let named: HashMap<_, _> = named.iter().copied().collect();
        CallerTrace::in_named(|name| named.get(name).copied(), None).headers()
    };
    let both = [("traceparent", W3C), ("tracestate", "vendor=1")];
    let expected = both.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(trace(&both), HashMap::from(expected));
    assert_eq!(trace(&[("tracestate", "vendor=1")]), HashMap::new());
    let long = "a".repeat(LONGEST_STATE + 1);
    assert_eq!(trace(&[("traceparent", W3C), ("tracestate", &long)]).len(), 1);
}

#[test]
fn a_malformed_trace_is_none() {
    for value in [
        "",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
    ] {
        check(&[("traceparent", value)], None, None);
    }
    check(&[("traceparent", W3C), ("traceparent", W3C)], None, None);
    for value in [
        "Root=",
        "Root=2-5759e988-bd862e3fe1be46a994272793",
        "Sampled=1",
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=canary",
        "Root=1-00000000-000000000000000000000000",
        "Root=1-ééééééééé-éééééé",
    ] {
        let named = |name: &str| (name == "x-amzn-trace-id").then_some(value);
        assert_eq!(CallerTrace::in_named(named, None).traceparent(), None, "{value}");
        assert_eq!(CallerTrace::in_named(|_| None, Some(value)).traceparent(), None, "{value}");
    }
    for value in ["", "canary", "00000000000000000000000000000000", "éééééééé", "éééééééééééééééé"]
    {
        let named = |name: &str| (name == "x-trace-id").then_some(value);
        assert_eq!(CallerTrace::in_named(named, None).traceparent(), None, "{value}");
    }
}
