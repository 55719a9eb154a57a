//! The cost of decoding a notification, compared with code that a user would write by hand.
//!
//! ```sh
//! cargo test --release -p fhir-sub --features sandbox --lib decode::tests::cost -- --ignored --nocapture --test-threads 1
//! ```

mod by_hand;

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use self::by_hand::{EveryElement, SomeElements, StatusOrEvery, StatusOrSome};
use super::*;

#[test]
#[ignore = "it measures, and takes a build for release"]
fn one_event() {
    compare(1, 1.2);
}

#[test]
#[ignore = "it measures, and takes a build for release"]
fn a_hundred_events() {
    compare(100, 1.2);
}

#[test]
#[ignore = "it measures, and takes a build for release"]
fn a_thousand_events() {
    compare(1_000, 1.2);
}

/// `bound` is the longest time that it may take, as a multiple of the code by hand.
#[track_caller]
fn compare(count: usize, bound: f64) {
    let body = notification(count);
    let some =
        ratio("some elements", count, || ours::<SomeElements>(&body), || by_hand::<StatusOrSome>(&body));
    let every =
        ratio("every element", count, || ours::<EveryElement>(&body), || by_hand::<StatusOrEvery>(&body));
    assert!(some <= bound && every <= bound, "more than {bound} times as long");
}

/// Everything that runs between a request's body and a handler that takes the event and the resource.
#[inline(never)]
fn ours<T: DeserializeOwned>(body: &str) -> usize {
    let headers = HeaderMap::new();
    let head = Head { method: &Method::POST, path: "/e", query: None, headers: &headers };
    let Ok(Decoded::Events(events, _)) = decode(&head, &expected(&topic()), None, body.as_bytes()) else {
        panic!("it is a notification")
    };
    let count = events.len();
    for happened in events {
        let resource: T = serde_json::from_str(happened.resource.unwrap()).unwrap();
        black_box((happened.event, resource));
    }
    count
}

#[inline(never)]
fn by_hand<R: DeserializeOwned>(body: &str) -> usize {
    let bundle: by_hand::Bundle<R> = serde_json::from_slice(body.as_bytes()).unwrap();
    let count = bundle.entry.len() - 1;
    for entry in bundle.entry {
        black_box(entry);
    }
    count
}

/// The best time of each. They take turns, so that other load on the machine affects both.
#[expect(clippy::print_stdout, reason = "what it is for")]
fn ratio(name: &str, count: usize, ours: impl Fn() -> usize, by_hand: impl Fn() -> usize) -> f64 {
    let time = |run: &dyn Fn() -> usize| {
        let started = Instant::now();
        assert_eq!(run(), count);
        started.elapsed()
    };
    let (mut ours_best, mut by_hand_best) = (Duration::MAX, Duration::MAX);
    for _ in 0..(20_000 / count).max(300) {
        ours_best = ours_best.min(time(&ours));
        by_hand_best = by_hand_best.min(time(&by_hand));
    }
    let ratio = ours_best.as_secs_f64() / by_hand_best.as_secs_f64();
    println!("{count} events, {name}: {ours_best:?}, by hand {by_hand_best:?}: {ratio:.2}");
    ratio
}

/// A notification of `count` events, with its members in the usual order.
fn notification(count: usize) -> String {
    let url = |number: usize| format!("https://fhir.example.org/Encounter/{number}");
    let event = |number: usize| {
        format!(
            r#"{{"eventNumber":"{number}","timestamp":"2026-01-31T12:00:00Z","focus":{{"reference":"{}"}}}}"#,
            url(number)
        )
    };
    let participant = r#"{"type":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"ATND"}]}],"individual":{"reference":"Practitioner/3","display":"Example Practitioner"}}"#;
    let text = "An example of an encounter. ".repeat(10);
    let entry = |number: usize| {
        format!(
            r#",{{"fullUrl":"{}","resource":{{"resourceType":"Encounter","id":"{number}","meta":{{"versionId":"1","lastUpdated":"2026-01-31T12:00:00Z"}},"text":{{"status":"generated","div":"<div>{text}</div>"}},"status":"in-progress","class":{{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"VR"}},"subject":{{"reference":"Patient/9","display":"Example Patient"}},"participant":[{participant},{participant}]}},"request":{{"method":"PUT","url":"Encounter/{number}"}},"response":{{"status":"200"}}}}"#,
            url(number)
        )
    };
    let events: Vec<_> = (0..count).map(event).collect();
    let entries: String = (0..count).map(entry).collect();
    format!(
        r#"{{"resourceType":"Bundle","type":"subscription-notification","entry":[{{"fullUrl":"urn:uuid:1","resource":{{"resourceType":"SubscriptionStatus","id":"1","meta":{{}},"status":"active","type":"event-notification","notificationEvent":[{}],"subscription":{{"reference":"Subscription/1"}},"topic":"http://example.org/topic"}}}}{entries}]}}"#,
        events.join(",")
    )
}
