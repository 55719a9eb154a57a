use serde_json::Value;

use crate::fixtures::captured::{capture, capture_of};

fn lines(act: impl FnOnce()) -> Vec<Value> {
    let (lines, guard) = capture();
    act();
    drop(guard);
    lines.read()
}

/// Holds a line to the specification: each metric a number and each dimension a string at the top of the line.
fn assert_valid(line: &Value) {
    assert!(line["_aws"]["Timestamp"].as_u64().unwrap() > 1_700_000_000_000);
    let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
    assert!(!directives.is_empty());
    for directive in directives {
        let namespace = directive["Namespace"].as_str().unwrap();
        assert!(!namespace.is_empty() && namespace.len() <= 256);
        for set in directive["Dimensions"].as_array().unwrap() {
            for dimension in set.as_array().unwrap() {
                assert!(line[dimension.as_str().unwrap()].is_string(), "{line}");
            }
        }
        let metrics = directive["Metrics"].as_array().unwrap();
        assert!((1..=100).contains(&metrics.len()));
        for metric in metrics {
            assert!(line[metric["Name"].as_str().unwrap()].is_number(), "{line}");
            assert!(["Count", "Milliseconds"].contains(&metric["Unit"].as_str().unwrap()), "{line}");
        }
    }
}

fn names(line: &Value) -> Vec<&str> {
    let metrics = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap();
    metrics.iter().map(|metric| metric["Name"].as_str().unwrap()).collect()
}

#[test]
fn a_line_that_counts_something_has_its_metrics() {
    let lines = lines(|| {
        tracing::info!(endpoint = "e", measure = "Handled", milliseconds = 12_u64, lag = 340_u64, "request");
        tracing::error!(
            endpoint = "e",
            measure = "Failed",
            given_up = true,
            milliseconds = 3_u64,
            "request failed"
        );
        tracing::warn!(measure = "Refused", milliseconds = 0_u64, "a \"quoted\" message }}");
        tracing::info!(endpoint = "e", measure = "Swept", sweep_age = 60_000_u64, "swept");
    });
    lines.iter().for_each(assert_valid);
    assert_eq!(names(&lines[0]), ["Handled", "Duration", "Lag"]);
    assert_eq!(
        (&lines[0]["Handled"], &lines[0]["Duration"], &lines[0]["Lag"]),
        (&1.into(), &12.into(), &340.into())
    );
    assert_eq!(names(&lines[1]), ["Failed", "GivenUp", "Duration"]);
    assert_eq!(names(&lines[2]), ["Refused", "Duration"]);
    assert_eq!(lines[2]["_aws"]["CloudWatchMetrics"][0]["Dimensions"], serde_json::json!([[]]));
    assert_eq!(names(&lines[3]), ["Swept", "SweepAge"]);
    // Every earlier part of the line is still there.
    assert_eq!((&lines[1]["level"], &lines[1]["message"]), (&"ERROR".into(), &"request failed".into()));
}

#[test]
fn other_lines_stay_as_they_are() {
    let lines = lines(|| {
        tracing::info!(endpoint = "e", milliseconds = 12_u64, "request");
        tracing::info!(measure = None::<&str>, "request");
        // A user's field with the same name is not our metric.
        tracing::info!(target: "wards", measure = "Beds", "counted");
    });
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(|line| line.get("_aws").is_none()), "{lines:?}");
}

#[test]
fn the_metrics_of_two_functions_are_not_added_up() {
    let act = || {
        tracing::info!(endpoint = "e", measure = "Handled", milliseconds = 12_u64, "request");
        tracing::warn!(measure = "Refused", milliseconds = 0_u64, "request refused");
        tracing::warn!(tenant = "north", endpoint = "e", measure = "Refused", "request refused");
    };
    let (lines, guard) = capture_of(Some("hooks-staging"));
    act();
    drop(guard);
    let lines = lines.read();
    lines.iter().for_each(assert_valid);
    let dimensions = |line: &Value| line["_aws"]["CloudWatchMetrics"][0]["Dimensions"].clone();
    assert_eq!(dimensions(&lines[0]), serde_json::json!([["function", "endpoint"], ["function"]]));
    assert_eq!(dimensions(&lines[1]), serde_json::json!([["function"]]));
    let of_a_tenant = [&["function", "tenant", "endpoint"][..], &["function", "tenant"], &["function"]];
    assert_eq!(dimensions(&lines[2]), serde_json::json!(of_a_tenant));
    assert_eq!(lines[0]["function"], "hooks-staging");

    // A name that AWS does not allow could end the string.
    let (lines, guard) = capture_of(Some("a\"b"));
    act();
    drop(guard);
    assert!(lines.read().iter().all(|line| line.get("function").is_none()));
}

#[test]
fn a_line_that_another_test_reached_first_is_captured() {
    let line = || tracing::info!(measure = "Handled", "reached by two threads");
    let (lines, guard) = capture();
    // Like a test of another thread, which has no subscriber.
    std::thread::scope(|scope| scope.spawn(line).join()).unwrap();
    line();
    drop(guard);
    assert_eq!(lines.read().len(), 1);
}
