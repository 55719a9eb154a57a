//! An event that got less than its fair time has not been tried.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::topic;
use crate::declaration::Content;
use crate::error::Error;
use crate::extract::FromNotification;
use crate::fixtures::{Handler, declaration, leak};
use crate::notification::Notification;
use crate::outcome::Outcome;
use crate::rejection::Rejection;
use crate::sandbox::Behaviour;
use crate::testing::{TestApp, TestRequest};

/// How long the handler takes for an event; `None` if it fails at once.
type Takes = fn(u64) -> Option<Duration>;

struct Timed(Option<Duration>);

impl FromNotification for Timed {
    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        let takes = *notification.state::<Takes>().unwrap();
        Ok(Self(takes(notification.event().number().unwrap())))
    }
}

struct Take;

impl Handler<Timed> for Take {
    async fn handle(Timed(time): Timed) -> Outcome {
        let Some(time) = time else { return Error::transient("it fails").into() };
        tokio::time::sleep(time).await;
        Outcome::Handled
    }
}

const ADMIN: &str = "admin-secret-0123456789abcdef0123456789abcdef";
const HANGS: Option<Duration> = Some(Duration::from_secs(3600));
const QUICK: Option<Duration> = Some(Duration::from_millis(50));

fn app(takes: Takes) -> TestApp {
    let declaration = topic(declaration::<Timed, Take>("", "e"));
    let declaration = crate::declaration::Declaration { content: Content::IdOnly, ..declaration };
    let builder = TestApp::builder(Behaviour::Generic, leak([declaration]))
        .set("FHIR_SUBSCRIPTION_ADMIN_SECRET", ADMIN)
        .set("FHIR_SUBSCRIPTION_IDEMPOTENCY", "memory")
        .set("FHIR_SUBSCRIPTION_TRIES", "30")
        .set("FHIR_SUBSCRIPTION_GAPS", "log")
        .state(takes);
    TestApp::build(Behaviour::Generic, builder).unwrap()
}

/// Sends a notification of so many events, numbered from 1. Returns how each event ended.
async fn send(app: &TestApp, events: u64) -> Vec<&'static str> {
    let event = |number: u64| {
        json!({
            "eventNumber": number.to_string(),
            "timestamp": format!("2026-01-01T00:{number:02}:00Z"),
            "focus": { "reference": format!("Encounter/{number}") },
        })
    };
    let status = json!({
        "resourceType": "SubscriptionStatus",
        "type": "event-notification",
        "subscription": { "reference": "Subscription/s1" },
        "eventsSinceSubscriptionStart": events.to_string(),
        "notificationEvent": (1..=events).map(event).collect::<Vec<_>>(),
    });
    let body = json!({
        "resourceType": "Bundle", "type": "subscription-notification", "entry": [{ "resource": status }],
    });
    app.send(TestRequest::post("e").body(body.to_string())).await.outcomes().collect()
}

/// The numbers of the events that were given up.
async fn given_up(app: &TestApp) -> Vec<u64> {
    let list = TestRequest::new(Method::GET, "dead-letters").secret(ADMIN);
    let list: Value = app.send(list).await.json();
    let letters = list["deadLetters"].as_array().unwrap();
    letters.iter().map(|letter| letter["number"].as_u64().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn those_that_hang_do_not_give_up_their_neighbours() {
    let app = app(|number| if number <= 9 { HANGS } else { QUICK });
    for _ in 0..35 {
        send(&app, 40).await;
    }
    assert_eq!(given_up(&app).await, [1], "the first of those that hang is given up first");
}

#[tokio::test(start_paused = true)]
async fn quick_ones_are_done_behind_any_number_that_hang() {
    let takes: [(usize, Takes); 3] = [
        (1, |number| if number <= 1 { HANGS } else { QUICK }),
        (9, |number| if number <= 9 { HANGS } else { QUICK }),
        (39, |number| if number <= 39 { HANGS } else { QUICK }),
    ];
    for (hang, takes) in takes {
        let outcomes = send(&app(takes), 40).await;
        let done = outcomes.iter().filter(|outcome| **outcome == "handled").count();
        assert_eq!(done, 40 - hang, "{outcomes:?}");
    }
}

/// One event takes long, but not too long for a notification of its own. Another one fails for lack of time.
#[tokio::test(start_paused = true)]
async fn slow_ones_behind_one_that_hangs_are_not_given_up() {
    let slow: Takes = |number| if number == 1 { HANGS } else { Some(Duration::from_secs(8)) };
    // The last event gets all the time that is left, which is fair.
    let fails: Takes = |number| match number {
        1 => HANGS,
        5 => QUICK,
        _ => None,
    };
    for takes in [slow, fails] {
        let app = app(takes);
        for _ in 0..35 {
            send(&app, 5).await;
        }
        assert!(given_up(&app).await.iter().all(|number| *number == 1), "{:?}", given_up(&app).await);
    }
}

/// For a single event, and if nothing hangs, each try counts.
#[tokio::test(start_paused = true)]
async fn who_had_the_time_is_given_up() {
    let app = app(|_| HANGS);
    for _ in 0..31 {
        send(&app, 1).await;
    }
    assert_eq!(given_up(&app).await, [1]);
    let app = self::app(|number| if number == 3 { None } else { QUICK });
    for _ in 0..31 {
        send(&app, 4).await;
    }
    assert_eq!(given_up(&app).await, [3]);
}
