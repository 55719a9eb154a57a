use serde_json::{Value, json};

use crate::app::AppBuilder;
use crate::declaration::{Content, Declaration};
use crate::fixtures::scripted::{Scripted, UNUSED, event, notification, topic};
use crate::memory::{Counts, Name};

fn id_only() -> Declaration {
    topic::<UNUSED>(Content::IdOnly, &[])
}

const OUTCOME: &str = "OperationOutcome";

fn outcome() -> Value {
    json!({ "resourceType": OUTCOME, "issue": [{ "severity": "error", "code": "exception", "diagnostics": "canary" }] })
}

/// Answers `$events` with those numbers of `had` that were asked for.
fn with_events(had: &'static [u64]) -> impl Fn(&str) -> (u16, Value) + Send + Sync {
    move |asked| {
        let number = |name: &str| -> u64 {
            let (_, rest) = asked.split_once(name).unwrap();
            rest.split('&').next().unwrap().parse().unwrap()
        };
        let range = number("eventsSinceNumber=")..=number("eventsUntilNumber=");
        let named: Vec<_> = had.iter().map(|number| (*number, format!("Encounter/{number}"))).collect();
        let events: Vec<_> = named
            .iter()
            .filter(|(number, _)| range.contains(number))
            .map(|(number, name)| (*number, &**name))
            .collect();
        (200, notification("query-event", 99, &events))
    }
}

fn counts(test: &Scripted) -> Counts {
    let name = Name { endpoint: "e", subscription: Some("Subscription/s1") };
    test.app.memory().event_numbers.counts(name).unwrap()
}

/// The request for a range. If the event before the gap is known, its number is asked for too.
fn asked(since: u64, until: u64) -> String {
    format!("GET Subscription/s1/$events?eventsSinceNumber={since}&eventsUntilNumber={until}&content=id-only")
}

#[tokio::test(start_paused = true)]
async fn what_did_not_come_is_asked_for_and_handled() {
    let test = Scripted::new(id_only(), with_events(&[1, 2, 3, 4, 5, 6]));
    assert_eq!(test.send(event(2)).await, (204, vec!["handled"]));
    assert_eq!(test.send(event(5)).await, (204, vec!["handled", "handled", "handled", "gap filled"]));
    assert_eq!(test.asked(), [asked(2, 4)]);
    assert_eq!(test.ran(), ["#2 Encounter/2", "#5 Encounter/5", "#3 Encounter/3", "#4 Encounter/4"]);
    assert_eq!(test.send(event(6)).await, (204, vec!["handled"]));
    assert!(test.asked().is_empty());
    let counts = counts(&test);
    assert_eq!((counts.received, counts.gaps, counts.missing), (5, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn where_the_server_is_not_to_be_asked_a_gap_is_counted() {
    let log = |builder: AppBuilder| builder.set("FHIR_SUBSCRIPTION_GAPS", "log");
    let test = Scripted::with(id_only(), |_, _| false, log, with_events(&[1, 2, 3, 4, 5, 6]));
    test.send(event(2)).await;
    assert_eq!(test.send(event(5)).await, (204, vec!["handled"]));
    assert!(test.asked().is_empty());
    let counts = counts(&test);
    assert_eq!((counts.received, counts.gaps, counts.missing), (2, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn only_the_missing_numbers_are_taken() {
    // Helios and Aidbox return events that nobody asked for.
    let everything: Vec<_> = (1..=9).map(|number| (number, "Encounter/x")).collect();
    let everything = notification("query-event", 9, &everything);
    let test = Scripted::new(id_only(), move |_| (200, everything.clone()));
    test.send(event(3)).await;
    test.send(notification("event-notification", 7, &[(5, "Encounter/5"), (7, "Encounter/7")])).await;
    assert_eq!(test.asked(), [asked(3, 4), asked(5, 6)]);
    let ran = test.ran();
    assert_eq!(
        ran,
        ["#3 Encounter/3", "#5 Encounter/5", "#7 Encounter/7", "#4 Encounter/x", "#6 Encounter/x"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_shows_a_gap_and_a_handshake_asks_for_nothing() {
    let test = Scripted::new(id_only(), with_events(&[1, 2, 3, 4]));
    assert_eq!(test.send(notification("handshake", 0, &[])).await, (200, vec!["handshake"]));
    assert_eq!(
        test.send(notification("heartbeat", 2, &[])).await,
        (200, vec!["heartbeat", "handled", "handled", "gap filled"])
    );
    assert_eq!(test.asked(), [asked(1, 2)]);
    assert_eq!(test.send(notification("handshake", 4, &[])).await, (200, vec!["handshake"]));
    assert!(test.asked().is_empty());
    assert_eq!(counts(&test).missing, 2);
    test.send(notification("heartbeat", 4, &[])).await;
    assert_eq!(test.asked(), [asked(2, 4)]);
    assert_eq!(counts(&test).missing, 0);
}

#[tokio::test(start_paused = true)]
async fn a_server_without_them_leaves_the_gap_open_and_the_notification_alone() {
    let bundle = |entries: Value| json!({ "resourceType": "Bundle", "type": "history", "entry": entries });
    let helios = json!([{ "resource": { "resourceType": "SubscriptionStatus", "type": "query-event" } }]);
    for (status, body) in [
        (404, outcome()),
        (400, outcome()),
        (403, outcome()),
        (405, outcome()),
        (501, outcome()),
        (200, outcome()),
        (200, bundle(helios)),
        (200, bundle(json!([]))),
        (200, notification("query-event", 9, &[(77, "Encounter/77")])),
        (200, notification("query-status", 9, &[])),
        (200, json!({ "resourceType": "SubscriptionStatus", "type": "query-event" })),
    ] {
        let shown = format!("{status} {body}");
        let test = Scripted::new(id_only(), move |_| (status, body.clone()));
        test.send(event(1)).await;
        assert_eq!(test.send(event(4)).await, (204, vec!["handled", "gap open"]), "{shown}");
        let by_post = usize::from([404, 405].contains(&status));
        assert_eq!(test.asked().len(), 1 + by_post, "{shown}");
        for number in 5..50 {
            assert_eq!(test.send(event(number)).await, (204, vec!["handled"]), "{shown}");
        }
        assert!(test.asked().is_empty(), "{shown}");
        // The server is not asked without end for new gaps.
        for number in (52..80).step_by(2) {
            assert_eq!(test.send(event(number)).await.0, 204, "{shown}");
        }
        assert!(test.asked().len() <= 3 + 3 * by_post, "{shown}");
        assert_eq!(counts(&test).missing, 17, "{shown}");
        // The missing event may arrive late.
        test.send(event(2)).await;
        assert_eq!(counts(&test).missing, 16, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_fails_is_asked_again_by_the_next_notification() {
    for status in [500, 503, 401, 302] {
        let test = Scripted::new(id_only(), move |_| (status, outcome()));
        test.send(event(1)).await;
        for number in 3..30 {
            assert_eq!(test.send(event(number)).await, (204, vec!["handled", "gap unread"]), "{number}");
        }
        assert_eq!(counts(&test).missing, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_of_a_gap_that_fails_is_tried_again() {
    let fails: crate::fixtures::scripted::Fails = |event, times| event.number() == Some(2) && times < 3;
    let test = Scripted::with(id_only(), fails, |builder| builder, with_events(&[2, 3]));
    test.send(event(1)).await;
    for _ in 0..2 {
        // To send the notification again does not bring the missing event.
        assert_eq!(test.send(event(4)).await.0, 204);
    }
    assert_eq!(test.send(event(4)).await, (204, vec!["handled before", "handled", "gap filled"]));
    let twos = test.ran().iter().filter(|line| line.starts_with("#2")).count();
    assert_eq!((twos, counts(&test).missing), (3, 0));
    assert_eq!(test.asked(), [asked(1, 3), asked(1, 2), asked(1, 2)]);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_always_fails_is_not_tried_for_ever() {
    let fails: crate::fixtures::scripted::Fails = |event, _| event.number() == Some(2);
    let test = Scripted::with(id_only(), fails, |builder| builder, with_events(&[2]));
    test.send(event(1)).await;
    for number in 3..10 {
        assert_eq!(test.send(event(number)).await.0, 204);
    }
    assert_eq!(test.ran().iter().filter(|line| line.starts_with("#2")).count(), 5);
}

#[tokio::test(start_paused = true)]
async fn what_comes_by_itself_in_time_is_not_asked_for() {
    let test = Scripted::new(id_only(), with_events(&[1, 2, 3]));
    test.send(event(1)).await;
    let (third, second) = tokio::join!(test.send(event(3)), test.send(event(2)));
    assert_eq!((third, second), ((204, vec!["handled"]), (204, vec!["handled"])));
    assert!(test.asked().is_empty());
    assert_eq!(counts(&test).missing, 0);
}

#[tokio::test(start_paused = true)]
async fn two_at_once_ask_once() {
    let test = Scripted::new(id_only(), with_events(&[2, 3]));
    test.send(event(1)).await;
    let (fourth, fifth) = tokio::join!(test.send(event(4)), test.send(event(5)));
    assert_eq!((fourth.0, fifth.0), (204, 204));
    assert_eq!(test.asked(), [asked(1, 3)]);
    assert_eq!(test.ran().iter().filter(|line| line.starts_with("#2")).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_more_are_asked_for_than_a_notification_may_have() {
    let setup = |builder: crate::AppBuilder| builder.set("FHIR_SUBSCRIPTION_EVENTS_MAXIMUM", "10");
    let test = Scripted::with(id_only(), |_, _| false, setup, with_events(&[]));
    test.send(event(1)).await;
    test.send(event(1_000_000)).await;
    assert_eq!(test.asked(), [asked(1, 11)]);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_is_not_named_is_not_asked_for() {
    for reference in ["Patient/1", "urn:uuid:1", "Subscription/../Patient/1", "https://h/Subscription/$x"] {
        let test = Scripted::new(id_only(), with_events(&[2]));
        for number in [1, 3] {
            let mut body = event(number);
            body["entry"][0]["resource"]["subscription"]["reference"] = json!(reference);
            assert_eq!(test.send(body).await, (204, vec!["handled"]));
        }
        assert!(test.asked().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_repetition_is_counted_and_handled_once() {
    let test = Scripted::new(id_only(), with_events(&[]));
    for outcome in ["handled", "handled before", "handled before"] {
        assert_eq!(test.send(event(7)).await, (204, vec![outcome]));
    }
    assert_eq!(test.ran().len(), 1);
    assert_eq!(counts(&test).repeats, 2);
    // A counter that restarts.
    let mut restarted = event(1);
    restarted["entry"][0]["resource"]["notificationEvent"][0]["timestamp"] = json!("2026-01-02T00:00:00Z");
    let record = format!("{:?}", test.answered(restarted).await.record);
    assert!(record.contains("numbering: Restart"), "{record}");
    assert_eq!((counts(&test).restarts, counts(&test).missing), (1, 0));
}

/// When the server answers, these numbers belong to other events.
#[tokio::test(start_paused = true)]
async fn a_gap_of_a_counter_that_has_begun_anew_is_not_filled() {
    let test = Scripted::new(id_only(), with_events(&[2]));
    test.send(versioned(1)).await;
    let (third, handshake) = tokio::join!(test.send(versioned(3)), async {
        while test.asked().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            tokio::task::yield_now().await;
        }
        test.send(notification("handshake", 0, &[])).await
    });
    assert_eq!((third, handshake), ((204, vec!["handled", "gap lost"]), (200, vec!["handshake"])));
    assert_eq!(
        (test.ran(), counts(&test).lost),
        (vec!["#1 Encounter/1@1".to_owned(), "#3 Encounter/3@1".to_owned()], 1)
    );
}

/// A notification of one event that names the version of its resource, so that the server is not asked for
/// the version.
fn versioned(number: u64) -> Value {
    notification("event-notification", number, &[(number, &format!("Encounter/{number}/_history/1"))])
}

struct Silence;

impl crate::client::transport::Transport for Silence {
    fn send<'a>(
        &'a self,
        _request: http::Request<bytes::Bytes>,
        _limits: crate::client::transport::Limits,
    ) -> futures_core::future::BoxFuture<
        'a,
        Result<http::Response<bytes::Bytes>, crate::client::transport::TransportError>,
    > {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_does_not_hold_the_notification_up() {
    let setup = |builder: crate::AppBuilder| builder.transport(std::sync::Arc::new(Silence));
    let test = Scripted::with(id_only(), |_, _| false, setup, |_| unreachable!());
    test.send(versioned(1)).await;
    let started = tokio::time::Instant::now();
    assert_eq!(test.send(versioned(3)).await, (204, vec!["handled", "gap unread"]));
    assert!(started.elapsed() < std::time::Duration::from_secs(7));
    assert_eq!(counts(&test).missing, 1);
}

/// A notification of one event that happened in the second hour after the usual ones.
fn anew(number: u64) -> Value {
    let mut body =
        notification("event-notification", number, &[(number, &format!("Encounter/new-{number}"))]);
    let time = format!("2026-01-02T02:00:{number:02}Z");
    body["entry"][0]["resource"]["notificationEvent"][0]["timestamp"] = json!(time);
    body
}

/// The server restarts, its counter restarts, and passes the old number before any of its events arrives.
#[tokio::test(start_paused = true)]
async fn a_counter_that_begins_anew_and_overtakes_is_told_by_the_event_before_the_gap() {
    let listed: Vec<_> = (1..=8).map(|number| anew(number)["entry"][0]["resource"].clone()).collect();
    let events: Vec<_> = listed.iter().map(|status| status["notificationEvent"][0].clone()).collect();
    let answer = move |asked: &str| {
        let number = |name: &str| -> u64 {
            let (_, rest) = asked.split_once(name).unwrap();
            rest.split('&').next().unwrap().parse().unwrap()
        };
        let range = number("eventsSinceNumber=")..=number("eventsUntilNumber=");
        let mut bundle = notification("query-event", 8, &[]);
        let asked_for =
            |event: &&Value| range.contains(&event["eventNumber"].as_str().unwrap().parse().unwrap());
        bundle["entry"][0]["resource"]["notificationEvent"] =
            events.iter().filter(asked_for).cloned().collect();
        (200, bundle)
    };
    let test = Scripted::new(id_only(), answer);
    for number in 1..=5 {
        test.send(event(number)).await;
    }
    test.ran();
    let mut outcomes = vec!["handled", "gap lost"];
    outcomes.extend(["handled"; 7]);
    outcomes.push("gap filled");
    assert_eq!(test.send(anew(8)).await, (204, outcomes));
    assert_eq!(test.asked(), [asked(5, 7), asked(1, 7)]);
    let ran: Vec<_> = [8, 1, 2, 3, 4, 5, 6, 7].map(|it| format!("#{it} Encounter/new-{it}")).into();
    assert_eq!(test.ran(), ran);
    let counts = counts(&test);
    assert_eq!((counts.restarts, counts.missing, counts.last_number), (1, 0, Some(8)));
}

/// The counter has passed the old number, and an event from before arrives late.
#[tokio::test(start_paused = true)]
async fn an_event_of_a_counter_that_has_overtaken_tells_it_by_itself() {
    let test = Scripted::new(id_only(), |_| (404, outcome()));
    for number in 1..=5 {
        test.send(event(number)).await;
    }
    // By chance it has the next number, so nothing shows the restart yet.
    assert_eq!(test.send(anew(6)).await, (204, vec!["handled"]));
    let mut late = anew(3);
    late["entry"][0]["resource"]["eventsSinceSubscriptionStart"] = json!("6");
    let (status, outcomes) = test.send(late).await;
    assert_eq!((status, outcomes[0]), (204, "handled"));
    // The events before it and those in between are missing.
    let by_get: Vec<_> = test.asked().into_iter().filter(|asked| asked.starts_with("GET")).collect();
    assert_eq!(by_get, [asked(1, 2), asked(3, 5)]);
    let counts = counts(&test);
    assert_eq!((counts.restarts, counts.missing, counts.last_number), (1, 4, Some(6)));
}
